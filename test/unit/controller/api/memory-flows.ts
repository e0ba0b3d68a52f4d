import { ConfigError, StateError } from '../../../../lib/errors';
import { TopologyError } from '../../../../lib/topology/problem/problem';
import { readTopology } from '../../../../lib/topology/read-topology';
import type { ReplayRequest } from '../../../../runtime/api-contract/flow-changes';
import type { EventQuery, FlowEventView, LogLine, LogQuery } from '../../../../runtime/api-contract/flow-history';
import { type FlowKey, flowName } from '../../../../runtime/api-contract/flow-key';
import type { FlowList, FlowStatus, ListQuery, Phase } from '../../../../runtime/api-contract/flow-status';
import type {
  Ending,
  FlowService,
  Requester,
  SubmitResult,
} from '../../../../runtime/controller/flows/ports/flow-service';

interface MemoryFlow {
  status: FlowStatus;
  readonly texts: string[];
}

const at = '2026-01-02T03:04:05.678Z';

/** Flows that are only their statuses and documents; what was asked of them is kept in `asked`. */
export class MemoryFlows implements FlowService {
  readonly asked: { what: string; args: unknown; requester: Requester }[] = [];
  readonly lines: LogLine[] = [];
  notReady: string[] = [];
  /** Thrown by whatever is asked next. */
  failure: Error | undefined;
  /** Statuses and events that are being followed. */
  following = 0;
  /** How often the status of a flow was asked for. */
  looks = 0;
  /** Statuses are told when it is settled. */
  answersAfter: Promise<void> | undefined;
  private readonly flows = new Map<string, MemoryFlow>();
  private readonly log: FlowEventView[] = [];
  private readonly watchers = new Set<() => void>();

  async submit(flow: FlowKey, text: string, requester: Requester): Promise<SubmitResult> {
    this.note('submit', flow, requester);
    const { topology, problems } = readTopology(text, { file: 'topology', defaultJobId: flow.jobId });
    if (topology === undefined) throw new TopologyError(problems);
    const known = this.flows.get(flowName(flow));
    if (known?.status.status === 'Stopped') return { outcome: 'resumed', status: this.enter(flow, 'Running') };
    if (known === undefined) {
      this.flows.set(flowName(flow), {
        status: { ...statusOf(flow), functions: topology.dag.map(idle) },
        texts: [text],
      });
      return { outcome: 'started', status: this.enter(flow, 'Running'), warnings: problems };
    }
    if (known.texts.at(-1) === text) return { outcome: 'unchanged', status: known.status };
    throw new StateError('flow-exists', `${flowName(flow)}: another document is there; update it`);
  }

  async update(namespace: string | undefined, text: string, requester: Requester): Promise<SubmitResult> {
    this.note('update', { namespace }, requester);
    const { topology, problems } = readTopology(text, { file: 'topology', defaultJobId: 'none' });
    if (topology === undefined) throw new TopologyError(problems);
    const flow = { namespace: namespace ?? topology.namespace, jobId: topology.jobId };
    this.find(flow).texts.push(text);
    return { outcome: 'updated', status: this.enter(flow, 'Running') };
  }

  async end(flow: FlowKey, ending: Ending, requester: Requester): Promise<FlowStatus> {
    this.note('end', ending, requester);
    const { status } = this.find(flow);
    if (ending === 'delete' && status.status === 'Stopped') {
      throw new StateError('state-invalid', `${flowName(flow)} is Stopped; force=true removes it`);
    }
    return this.enter(flow, ending === 'stop' ? 'Stopped' : 'Canceled');
  }

  async pause(flow: FlowKey, functions: readonly string[], requester: Requester): Promise<FlowStatus> {
    this.note('pause', functions, requester);
    return this.enter(flow, 'Paused');
  }

  async resume(flow: FlowKey, functions: readonly string[], requester: Requester): Promise<FlowStatus> {
    this.note('resume', functions, requester);
    return this.enter(flow, 'Running');
  }

  async restart(flow: FlowKey, functions: readonly string[], requester: Requester): Promise<FlowStatus> {
    this.note('restart', functions, requester);
    return this.find(flow).status;
  }

  async scale(flow: FlowKey, replicas: { readonly [id: string]: number }, requester: Requester): Promise<SubmitResult> {
    this.note('scale', replicas, requester);
    return { outcome: 'updated', status: this.find(flow).status };
  }

  async replay(flow: FlowKey, replay: ReplayRequest, requester: Requester): Promise<FlowStatus> {
    this.note('replay', replay, requester);
    return this.find(flow).status;
  }

  async rollback(flow: FlowKey, revision: number | undefined, requester: Requester): Promise<SubmitResult> {
    this.note('rollback', revision, requester);
    return { outcome: 'updated', status: this.find(flow).status };
  }

  async status(flow: FlowKey): Promise<FlowStatus> {
    this.looks += 1;
    await this.answersAfter;
    return this.find(flow).status;
  }

  async list(namespace: string | undefined, { id, status, limit, continue: after = '' }: ListQuery): Promise<FlowList> {
    this.fail();
    const fitting = [...this.flows]
      .filter(([name, flow]) => name > after && (namespace === undefined || flow.status.namespace === namespace))
      .filter(
        ([, flow]) => (id === undefined || flow.status.jobId === id) && (!status || flow.status.status === status),
      )
      .sort(([one], [other]) => (one < other ? -1 : 1));
    const page = fitting.slice(0, limit);
    const flows = page.map(([, flow]) => flow.status);
    const last = page.at(-1)?.[0];
    return fitting.length > page.length && last !== undefined ? { flows, continue: last } : { flows };
  }

  async history(flow: FlowKey) {
    const { texts } = this.find(flow);
    return texts.map((_, index) => ({
      revision: index + 1,
      digest: `d${index}`,
      at,
      by: 'anonymous',
      cause: 'submit' as const,
      isProven: true,
      isCurrent: index + 1 === texts.length,
    }));
  }

  async document(flow: FlowKey, revision?: number): Promise<string> {
    const text = this.find(flow).texts.at((revision ?? 0) - 1);
    if (text === undefined) throw new StateError('revision-missing', `${flowName(flow)}: has no revision ${revision}`);
    return text;
  }

  async diff(flow: FlowKey, { from, to }: { readonly from?: number; readonly to?: number }): Promise<string> {
    this.find(flow);
    return `--- ${from ?? 'before'}\n+++ ${to ?? 'last'}\n`;
  }

  async events(of: Partial<FlowKey>, { kind, limit }: EventQuery): Promise<readonly FlowEventView[]> {
    this.fail();
    return this.log.filter((each) => isOf(each, of) && (kind === undefined || each.kind === kind)).slice(-limit);
  }

  async followEvents(of: Partial<FlowKey>, signal: AbortSignal): Promise<AsyncIterable<FlowEventView>> {
    return this.eventsFrom(this.log.length, of, signal);
  }

  private async *eventsFrom(begin: number, of: Partial<FlowKey>, signal: AbortSignal): AsyncGenerator<FlowEventView> {
    for (let next = begin; await this.until(() => this.log.length > next, signal); next += 1) {
      const event = this.log[next];
      if (event !== undefined && isOf(event, of)) yield event;
    }
  }

  async *followStatus(flow: FlowKey, signal: AbortSignal): AsyncGenerator<FlowStatus> {
    let last: FlowStatus | undefined;
    while (await this.until(() => this.find(flow).status !== last, signal)) {
      last = this.find(flow).status;
      yield last;
      if (last.closeTime !== null) return;
    }
  }

  async *logs(_flow: FlowKey, { function: id, follow }: LogQuery, signal: AbortSignal): AsyncGenerator<LogLine> {
    for (let next = 0; ; next += 1) {
      if (next >= this.lines.length && !follow) return;
      if (!(await this.until(() => this.lines.length > next, signal))) return;
      const line = this.lines[next];
      if (line !== undefined && (id === undefined || line.function === id)) yield line;
    }
  }

  async whyNotReady(): Promise<readonly string[]> {
    return this.notReady;
  }

  /** Puts a flow into a phase, and tells all who follow. */
  enter(flow: FlowKey, phase: Phase): FlowStatus {
    const found = this.find(flow);
    const isClosed = !['Running', 'Paused'].includes(phase);
    found.status = { ...found.status, status: phase, closeTime: isClosed ? at : null };
    this.log.push({ ...flow, id: `e${this.log.length}`, at, kind: 'phase', what: phase });
    this.tell();
    return found.status;
  }

  write(line: LogLine): void {
    this.lines.push(line);
    this.tell();
  }

  private note(what: string, args: unknown, requester: Requester): void {
    this.fail();
    this.asked.push({ what, args, requester });
  }

  private fail(): void {
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
  }

  private find(flow: FlowKey): MemoryFlow {
    const found = this.flows.get(flowName(flow));
    if (found !== undefined) return found;
    throw new StateError('flow-missing', `${flowName(flow)}: there is no such flow`);
  }

  private tell(): void {
    for (const watcher of this.watchers) watcher();
  }

  /** True when the condition holds, false on the signal. */
  private async until(condition: () => boolean, signal: AbortSignal): Promise<boolean> {
    this.following += 1;
    try {
      while (!condition() && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const done = () => {
            this.watchers.delete(done);
            signal.removeEventListener('abort', done);
            resolve();
          };
          this.watchers.add(done);
          signal.addEventListener('abort', done);
        });
      }
      return !signal.aborted;
    } finally {
      this.following -= 1;
    }
  }
}

/** What an update may not change, as the controller says it. */
export function updateRefusal(): ConfigError {
  const problem = { severity: 'error', code: 'update-refused', file: 'topology', line: 3, col: 5 } as const;
  const problems = [{ ...problem, path: 'dag[0].out', message: 'may not change' }];
  return Object.assign(new ConfigError('update-refused', 'dag[0].out: may not change'), { problems });
}

function isOf(event: FlowEventView, { namespace, jobId }: Partial<FlowKey>): boolean {
  return (namespace === undefined || event.namespace === namespace) && (jobId === undefined || event.jobId === jobId);
}

function idle({ id, type }: { readonly id: string; readonly type: string }): FlowStatus['functions'][number] {
  const counts = { pending: 0, held: 0, dead: 0, restarts: 0 };
  return { function: id, type, replicas: 1, ready: 1, isPaused: false, ...counts };
}

function statusOf({ namespace, jobId }: FlowKey): FlowStatus {
  return {
    status: 'Running',
    startTime: at,
    closeTime: null,
    execution: { workflow_id: jobId, run_id: 'f1725055-b425-430e-86c4-5583d4f5d694' },
    type: { name: 'KFlowDSL' },
    devInsOuts: [],
    namespace,
    jobId,
    mode: 'stream',
    revision: 1,
    since: at,
    health: { state: 'healthy', problems: [] },
    functions: [],
  };
}
