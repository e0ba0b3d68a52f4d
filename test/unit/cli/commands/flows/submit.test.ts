import { waitFor } from '../../../../support/wait-for';
import { invalidTopology, topology } from '../../support';
import { flow, TestController } from './support';

let controller: TestController;
let file: string;
beforeEach(async () => {
  controller = await TestController.start();
  file = controller.place.write('flow.yaml', topology);
});
afterEach(() => controller.close());

const changed = () => controller.place.write('changed.yaml', topology.replace('leaf:1', 'leaf:2'));
const requested = () => controller.flows.requests.map(({ what }) => what);

test('a document that the flow already runs with exits with 0', async () => {
  expect(await controller.kflow('submit', file)).toMatchObject({
    status: 0,
    stdout: 'default/words: no change, revision 1\n',
  });
});

test('another document exits with 1, and with 0 when --update allows the change', async () => {
  const refused = await controller.kflow('submit', changed());
  expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('apply it: kflow update')]);
  expect((await controller.kflow('submit', '--update', changed())).status).toBe(0);
  expect((await controller.kflow('update', changed())).status).toBe(0);
  expect(requested()).toEqual(['submit', 'submit', 'update', 'update']);
});

test('a document with an error exits with 1, and nothing is sent, not even the other files', async () => {
  const invalid = controller.place.write('invalid.yaml', invalidTopology.replace('words', 'other'));
  expect((await controller.kflow('submit', file, invalid)).status).toBe(1);
  expect((await controller.kflow('update', invalid)).status).toBe(1);
  expect(requested()).toEqual([]);
});

test('two documents of one flow are wrong usage', async () => {
  expect((await controller.kflow('submit', file, changed())).status).toBe(64);
});

test('an update of a flow that does not run exits with 4', async () => {
  expect((await controller.kflow('update', file, '--set', 'jobId=none')).status).toBe(4);
});

test.each([
  ['completes', undefined, 0],
  ['completes with dead letters', '2 records were sent to the dead letters', 1],
])('with --wait, a batch that %s exits with its result', async (_how, reason, expected) => {
  const command = controller.kflow('submit', file, '--set', 'jobId=batch', '--set', 'mode=batch', '--wait');
  await waitFor('a follower', () => controller.flows.following > 0);
  if (reason !== undefined) controller.flows.become('default/batch', { reason });
  controller.flows.enter({ ...flow, jobId: 'batch' }, 'Completed');
  const { status, stdout } = await command;
  expect([status, stdout]).toEqual([
    expected,
    expect.stringContaining(`default/batch: Completed${reason === undefined ? '\n' : `: ${reason}\n`}`),
  ]);
});

test('with --wait, an update that is rolled back exits with 1', async () => {
  controller.flows.become('default/words', { health: { state: 'starting', problems: [] } });
  const command = controller.kflow('update', changed(), '--wait');
  await waitFor('a follower', () => controller.flows.following > 0);
  controller.flows.become('default/words', { revision: 3, health: { state: 'healthy', problems: [] } });
  const { status, stderr } = await command;
  expect([status, stderr]).toEqual([1, expect.stringContaining('will not become healthy at revision 2')]);
});
