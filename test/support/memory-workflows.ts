import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { StateError } from '../../lib/errors';
import { type FlowKey, flowName, parseFlowName } from '../../runtime/api-contract/flow-key';
import type { FlowRequest } from '../../runtime/controller/flows/ports/flow-request';
import {
  type FlowInput,
  type FlowMemo,
  type FlowWorkflows,
  type FlowWorkflowView,
  flowKind,
} from '../../runtime/controller/flows/ports/flow-workflow';
import type { FlowActivities } from '../../runtime/controller/flows/workflow/flow-activities';
import { FlowRun } from '../../runtime/controller/flows/workflow/flow-run';
import type { DriftCause, WorkflowClose } from '../../runtime/controller/ports/workflows';
import { TestRuntime } from './test-runtime';

interface MemoryWorkflow {
  readonly runtime: LiveRuntime;
  readonly run: FlowRun;
  readonly memo: FlowMemo;
  readonly requests: Map<string, Promise<FlowMemo>>;
  status: FlowWorkflowView['status'];
}

/** A runtime whose activities are real and whose time passes; conditions with a timeout wait for a request. */
class LiveRuntime extends TestRuntime {
  override doTimersElapse = false;

  constructor(
    override readonly runId: string,
    activities: FlowActivities,
  ) {
    super();
    for (const [name, activity] of Object.entries(activities)) this.on(name as keyof FlowActivities, activity);
  }

  override now(): number {
    return Date.now();
  }

  override newId(): string {
    return randomUUID();
  }
}

/** `FlowWorkflows` without a Temporal server: the code of the workflow runs in this process. */
export class MemoryWorkflows implements FlowWorkflows {
  private readonly workflows = new Map<string, MemoryWorkflow>();
  private runs = 0;

  /** The activities may be created later, because they need `closeAs`. */
  constructor(private readonly activities: () => FlowActivities) {}

  async start(flow: FlowKey, input: FlowInput, memo: Omit<FlowMemo, 'runId'>): Promise<string> {
    const name = flowName(flow);
    if (this.workflows.get(name)?.status === 'Running') {
      throw new StateError('flow-exists', `the flow ${name} is already running`);
    }
    const runId = `run-${++this.runs}`;
    const runtime = new LiveRuntime(runId, this.activities());
    const run = new FlowRun(input, runtime);
    const workflow: MemoryWorkflow = {
      runtime,
      run,
      memo: { ...memo, runId },
      requests: new Map(),
      status: 'Running',
    };
    this.workflows.set(name, workflow);
    void run.run().then(
      () => this.close(workflow, 'Completed'),
      () => this.close(workflow, 'Failed'),
    );
    return runId;
  }

  async request(flow: FlowKey, request: FlowRequest, idempotencyKey?: string): Promise<FlowMemo> {
    const workflow = this.running(flow);
    const key = `${request.kind}/${idempotencyKey ?? ''}`;
    const earlier = idempotencyKey === undefined ? undefined : workflow.requests.get(key);
    if (earlier !== undefined) return earlier;
    try {
      workflow.run.validate(request);
    } catch (error) {
      if (!(error instanceof ApplicationFailure) || error.type === flowKind.closedFailure) throw this.missing(flow);
      throw new StateError('state-invalid', `${flowName(flow)}: ${error.message}`);
    }
    const accepted = workflow.run.accept(request);
    workflow.requests.set(key, accepted);
    workflow.runtime.wake();
    return accepted;
  }

  async describe(flow: FlowKey): Promise<FlowWorkflowView | undefined> {
    const workflow = this.workflows.get(flowName(flow));
    return workflow === undefined ? undefined : viewOf(flow, workflow);
  }

  async open(namespace?: string): Promise<readonly FlowWorkflowView[]> {
    return [...this.workflows].flatMap(([name, workflow]) => {
      const flow = parseFlowName(name);
      if (flow === undefined || workflow.status !== 'Running') return [];
      return namespace === undefined || flow.namespace === namespace ? [viewOf(flow, workflow)] : [];
    });
  }

  async observed(flow: FlowKey, drift?: string, cause?: DriftCause): Promise<boolean> {
    const workflow = this.workflows.get(flowName(flow));
    if (workflow?.status !== 'Running') return false;
    workflow.run.observe(drift, cause);
    workflow.runtime.wake();
    return true;
  }

  async closeAs(flow: FlowKey, { status }: WorkflowClose): Promise<void> {
    const workflow = this.workflows.get(flowName(flow));
    if (workflow?.status !== 'Running') return;
    if (status === 'Canceled') workflow.runtime.cancel();
    this.close(workflow, status);
  }

  async ping(): Promise<void> {}

  private running(flow: FlowKey): MemoryWorkflow {
    const workflow = this.workflows.get(flowName(flow));
    if (workflow?.status !== 'Running') throw this.missing(flow);
    return workflow;
  }

  private missing(flow: FlowKey): StateError {
    return new StateError('flow-missing', `the flow ${flowName(flow)} is not running`);
  }

  private close(workflow: MemoryWorkflow, status: FlowWorkflowView['status']): void {
    if (workflow.status === 'Running') workflow.status = status;
  }
}

function viewOf(key: FlowKey, { runtime, memo, status }: MemoryWorkflow): FlowWorkflowView {
  const current = runtime.memos.at(-1) ?? memo;
  const isOpen = status === 'Running';
  const times = { startTime: memo.startTime, ...(isOpen ? {} : { closeTime: current.since }) };
  return { key, isOpen, status, memo: current, runId: runtime.runId, ...times };
}
