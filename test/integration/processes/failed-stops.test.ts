import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { WorkloadNode } from '../../../runtime/adapters/processes/workload-node';
import { renderClusterWorkload } from '../../contract/cluster-workload';
import { waitFor } from '../../support/wait-for';

const flow = { namespace: 'trial', jobId: 'stops' };
const manifests = renderClusterWorkload(flow, { function: 'fn', kind: 'deployment', replicas: 1 });

let folder: string;
let node: WorkloadNode;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kflow-stops-'));
});
afterEach(async () => {
  await node.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Starts a replica that ends with this status when it is asked to, and asks it to. */
async function stopWith(status: number): Promise<void> {
  const program = path.join(folder, 'program.js');
  const stop = `() => { console.error('3 records lost'); process.exit(${status}); }`;
  writeFileSync(program, `process.on('SIGTERM', ${stop}); setInterval(() => undefined, 1000); console.log('started');`);
  node = await WorkloadNode.open({ directory: folder, env: {}, program, isOfOneFlow: true });
  node.apply(flow, manifests);
  const [replica] = node.replicas(flow);
  await waitFor('it has started', async () => {
    for await (const line of node.logOf(flow, replica?.state.name ?? '', {})) if (line === 'started') return true;
    return false;
  });
  node.prune(flow, [], false);
  await waitFor('it has ended', () => node.replicas(flow).length === 0);
}

test('a replica that ends with an error as it is asked to end is remembered, with the end of its log', async () => {
  await stopWith(1);
  const stops = await waitFor(
    'it is remembered',
    () => node.failedStops(flow),
    ({ length }) => length > 0,
  );
  expect(stops).toMatchObject([
    { function: 'fn', number: 0, message: expect.stringMatching(/^exit 1: .*3 records lost$/) },
  ]);
  expect(node.failedStops({ ...flow, jobId: 'other' })).toEqual([]);
});

test.each([0, 143])('a replica that ends with status %i left nothing undone', async (status) => {
  await stopWith(status);
  expect(node.failedStops(flow)).toEqual([]);
});
