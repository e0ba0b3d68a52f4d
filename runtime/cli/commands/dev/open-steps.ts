import { existsSync } from 'node:fs';
import path from 'node:path';
import { StateError } from '../../../../lib/errors';
import { S3Buckets } from '../../../adapters/s3/s3-buckets';
import { parseFlowName } from '../../../api-contract/flow-key';
import { StepDesk } from '../../../steps/step-desk';
import { ControllerConnection } from '../../client/controller-connection';
import { findController } from '../../client/find-controller';
import { type FlowOptions, openFlow } from '../../client/flow-session';
import { type StepAccess, StepsClient } from '../../client/steps-client';
import { type RunNote, readRunNote } from '../run/run-note';

export interface StepSessionOptions extends FlowOptions {
  readonly comment: string | undefined;
}

export interface StepSession {
  readonly steps: StepAccess;
  close(): Promise<void>;
}

/** How long a command waits for a result. */
const waitMs = 60_000;

/** Opens the steps of a `kflow run --dev` in this folder, else those of a flow of the controller. */
export async function openSteps(job: string, options: StepSessionOptions): Promise<StepSession> {
  const plan = options.url === undefined && process.env.KFLOW_URL === undefined ? planOfRun(job) : undefined;
  if (plan !== undefined) return openRun(plan);
  const { flow } = await openFlow(job, options);
  const address = await findController(options, { env: process.env, folder: process.cwd() });
  const steps = new StepsClient(new ControllerConnection(address), flow, options.comment);
  return { steps, close: async () => undefined };
}

function planOfRun(job: string): RunNote['plan'] {
  const key = parseFlowName(job);
  const jobId = key?.jobId ?? job;
  const folder = path.resolve('.kflow', jobId);
  const note = existsSync(folder) ? readRunNote(folder) : undefined;
  if (note === undefined || (key !== undefined && key.namespace !== note.namespace)) return undefined;
  if (note.isRunning && note.plan === undefined) {
    throw new StateError('state-invalid', `${jobId}: its run is not step by step; start it with kflow run --dev`);
  }
  if (note.isRunning) return note.plan;
  if (note.plan === undefined) return undefined;
  throw new StateError('state-invalid', `${jobId}: its run has ended; continue it with kflow run --dev --keep`);
}

function openRun(plan: NonNullable<RunNote['plan']>): StepSession {
  const stores = new S3Buckets({ makesSources: false, sharesEnvironment: true }).open(plan);
  const desk = new StepDesk({ plan, open: stores.of, waitMs });
  const steps: StepAccess = {
    list: async () => ({ folders: desk.folders(), steps: await desk.list() }),
    show: (...of) => desk.show(...of),
    step: (...of) => desk.step(...of),
    edit: (...of) => desk.edit(...of),
    next: (...of) => desk.next(...of),
    runTo: (...of) => desk.runTo(...of),
    drop: (...of) => desk.drop(...of),
    simulate: (request) => desk.simulate(request),
  };
  return { steps, close: () => stores.close() };
}
