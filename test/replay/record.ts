import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import type { RevisionView } from '../../runtime/api-contract/flow-history';
import { ControllerPlace } from '../support/controller-place';
import { executions, runExecution } from './record-executions';

const meta = { update: true, restart: true };

/**
 * `npm run histories` records the histories of flows and executions on a Temporal server for the replay test. A change of the workflow that
 * cannot replay them would break those that run while the controller is updated.
 */
const flows = {
  'stop-resume': async (place: ControllerPlace, flow: string) => {
    await place.call('DELETE', `/kflows/v1/${flow}/stop=true`);
    await place.untilIn(flow, 'Stopped');
  },
  'pause-update-replay': async (place: ControllerPlace, flow: string) => {
    await place.call('POST', `/kflows/v1/${flow}/pause`);
    await place.untilIn(flow, 'Paused');
    await place.call('POST', `/kflows/v1/${flow}/resume`);
    await place.untilIn(flow, 'Running');
    await place.call('POST', `/kflows/v1/${flow}/scale`, { replicas: { map: 3 } });
    await untilRevisions(place, flow, (revisions) => revisions[1]?.isProven === true);
    await place.call('POST', `/kflows/v1/${flow}/replay`, { function: 'map', from: 'first' });
    await place.untilIn(flow, 'Running');
    await place.call('DELETE', `/kflows/v1/${flow}`);
    await place.untilIn(flow, 'Canceled');
  },
  'failed-update': async (place: ControllerPlace, flow: string) => {
    place.cluster.breakWith('it never starts');
    await place.update(flow, { meta: { ...meta, note: 'it never starts' } });
    await untilRevisions(place, flow, ({ length }) => length === 3);
    await place.until(flow, ({ health }) => health.state === 'healthy');
    await place.call('DELETE', `/kflows/v1/${flow}?force=true`);
    await place.untilIn(flow, 'Terminated');
  },
  'batch-completes': async (place: ControllerPlace, flow: string) => {
    for (const id of ['list', 'map', 'leaf'])
      place.cluster.end({ namespace: 'replay', jobId: 'batch-completes' }, id, 'succeeded');
    await place.untilIn(flow, 'Completed');
  },
  'batch-fails': async (place: ControllerPlace, flow: string) => {
    place.cluster.end({ namespace: 'replay', jobId: 'batch-fails' }, 'map', 'failed');
    await place.untilIn(flow, 'Failed');
  },
  'replaced-requests': async (place: ControllerPlace, flow: string) => {
    place.cluster.breakWith('it never starts');
    await place.update(flow, { parallelism: 2, meta: { ...meta, note: 'it never starts' } });
    await place.call('POST', `/kflows/v1/${flow}/replay`, { function: 'map', from: 'first' });
    await place.call('POST', `/kflows/v1/${flow}/pause`);
    await place.call('POST', `/kflows/v1/${flow}/resume`, { functions: ['leaf'] });
    await place.untilIn(flow, 'Paused');
    place.cluster.repair('it never starts');
    await place.call('POST', `/kflows/v1/${flow}/resume`);
    await place.call('POST', `/kflows/v1/${flow}/pause`, { functions: ['map'] });
    await place.call('POST', `/kflows/v1/${flow}/scale`, { replicas: { map: 3 } });
    await place.call('POST', `/kflows/v1/${flow}/restart`);
    await place.call('POST', `/kflows/v1/${flow}/rollback`);
    await place.untilHealthy(flow);
    await place.call('POST', `/kflows/v1/${flow}/pause`);
    await place.call('DELETE', `/kflows/v1/${flow}/stop=true`);
    await place.call('DELETE', `/kflows/v1/${flow}?force=true`);
    await place.untilIn(flow, 'Terminated');
  },
  'continued-run': async (place: ControllerPlace, flow: string) => {
    for (const replicas of [2, 3, 4, 5]) {
      await place.call('POST', `/kflows/v1/${flow}/scale`, { replicas: { map: replicas } });
      await untilRevisions(place, flow, (revisions) => revisions[replicas - 1]?.isProven === true);
    }
    await place.call('POST', `/kflows/v1/${flow}/replay`, { function: 'map', from: 'first' });
    await place.untilIn(flow, 'Running');
    await place.call('POST', `/kflows/v1/${flow}/pause`);
    await place.untilIn(flow, 'Paused');
    await place.call('DELETE', `/kflows/v1/${flow}/stop=true`);
    await place.untilIn(flow, 'Stopped');
  },
  'submitted-again': async (place: ControllerPlace, flow: string) => {
    place.cluster.breakWith('it never starts');
    await place.update(flow, { meta: { ...meta, note: 'it never starts', updatePolicy: 'DropOffset' } });
    await place.call('POST', `/kflows/v1/${flow}/pause`);
    await place.call('POST', `/kflows/v1/${flow}/replay`, { function: 'leaf', from: 'first' });
    await place.call('DELETE', `/kflows/v1/${flow}/stop=true`);
    await place.untilIn(flow, 'Stopped');
    place.cluster.repair('it never starts');
    await place.running(flow, { mode: 'stream', meta });
    await place.cancel(flow);
    await place.untilIn(flow, 'Canceled');
  },
} as const;

function untilRevisions(place: ControllerPlace, flow: string, isThere: (revisions: RevisionView[]) => boolean) {
  return place.untilResponse(`/kflows/v1/${flow}/history`, isThere);
}

/** Maximum history lengths that make a flow continue as new. */
const shortRuns = { 'continued-run': 60 } as const;

/** Records flows of a controller that continues workflows as new after `historyLength` events. */
async function record(names: readonly (keyof typeof flows)[], historyLength: number): Promise<void> {
  const place = await ControllerPlace.open({ pauseGrace: 1, ready: 1, historyLength });
  const connection = await Connection.connect({ address: place.temporal.address });
  try {
    const { workflow } = new Client({ connection });
    for (const name of names) {
      const flow = `replay/${name}`;
      await place.running(flow, { mode: name.startsWith('batch') ? 'batch' : 'stream', meta });
      await flows[name](place, flow);
      await save(name, workflow.getHandle(flow));
    }
  } finally {
    await connection.close();
    await place.close();
  }
}

async function save(name: string, workflow: WorkflowHandle): Promise<void> {
  const history = historyToJSON(await workflow.fetchHistory());
  const text = JSON.stringify(JSON.parse(history), (key, value) => (key === 'stackTrace' ? '' : value));
  writeFileSync(path.join(__dirname, 'histories', `${name}.json`), `${text}\n`);
  process.stdout.write(`${name}\n`);
}

/** Saves the history of the last run of an execution's workflow, once it has ended. */
async function saveEnded(name: string, address: string, workflowId: string): Promise<void> {
  const connection = await Connection.connect({ address });
  const workflow = new Client({ connection }).workflow.getHandle(workflowId);
  await workflow.result().catch(() => undefined); // ended otherwise than completed
  await save(name, workflow);
  await connection.close();
}

/** Those that the arguments name; without arguments, all. */
function chosen<Name extends string>(all: { readonly [name in Name]: unknown }): readonly Name[] {
  const names = Object.keys(all) as Name[];
  return process.argv.length > 2 ? names.filter((name) => process.argv.includes(name)) : names;
}

/** The arguments are the names of the flows and executions to record; default: all. */
async function main(): Promise<void> {
  const names = chosen(flows);
  for (const historyLength of [4_000, shortRuns['continued-run']]) {
    const recorded = names.filter((name) => name in shortRuns === historyLength < 4_000);
    if (recorded.length > 0) await record(recorded, historyLength);
  }
  for (const name of chosen(executions)) {
    await runExecution(name, (address, workflowId) => saveEnded(name, address, workflowId));
  }
}

void main().then(() => process.exit(0));
