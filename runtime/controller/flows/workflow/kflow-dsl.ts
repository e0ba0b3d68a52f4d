import { defineSignal, defineUpdate, setHandler } from '@temporalio/workflow';
import { type FlowRequest, requestNames } from '../ports/flow-request';
import { type FlowInput, type FlowMemo, flowKind } from '../ports/flow-workflow';
import { FlowRun } from './flow-run';
import { temporalRuntime } from './temporal-runtime';

/** The workflow of a flow, from a submit until the flow is stopped, completed, failed or deleted. */
export async function KFlowDSL(input: FlowInput): Promise<FlowMemo> {
  const run = new FlowRun(input, temporalRuntime());
  for (const name of requestNames) {
    const validator = (request: FlowRequest) => run.validate(request);
    setHandler(defineUpdate<FlowMemo, [FlowRequest]>(name), (request) => run.accept(request), { validator });
  }
  setHandler(defineSignal(flowKind.observedSignal), () => run.observe());
  return run.run();
}
