import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import type { RevisionView } from '../../runtime/api-contract/schemas';
import { ControllerPlace } from '../support/controller-place';

const meta = { update: true, restart: true };

/**
 * `npm run histories`: lives of flows, as a Temporal server has kept them, for the replay test. A change of the workflow
 * that cannot replay them would break the flows that run while a controller is updated.
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
} as const;

function untilRevisions(place: ControllerPlace, flow: string, isThere: (revisions: RevisionView[]) => boolean) {
  return place.untilSaid(`/kflows/v1/${flow}/history`, isThere);
}

async function main(): Promise<void> {
  const place = await ControllerPlace.open({ pauseGrace: 1, ready: 1 });
  const connection = await Connection.connect({ address: place.temporal.address });
  try {
    const { workflow } = new Client({ connection });
    for (const [name, live] of Object.entries(flows)) {
      const flow = `replay/${name}`;
      await place.running(flow, { mode: name.startsWith('batch') ? 'batch' : 'stream', meta });
      await live(place, flow);
      const history = historyToJSON(await workflow.getHandle(flow).fetchHistory());
      const text = JSON.stringify(JSON.parse(history), (key, value) => (key === 'stackTrace' ? '' : value));
      writeFileSync(path.join(__dirname, 'histories', `${name}.json`), `${text}\n`);
      process.stdout.write(`${name}\n`);
    }
  } finally {
    await connection.close();
    await place.close();
  }
}

void main().then(() => process.exit(0));
