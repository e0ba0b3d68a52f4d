import { topology } from '../../support';
import { TestController } from './support';

let controller: TestController;
beforeEach(async () => {
  controller = await TestController.start();
});
afterEach(() => controller.close());

const changed = topology.replace('leaf:1', 'leaf:2');
const patch = /^-.*leaf:1.*\n\+.*leaf:2/m;

test('equal revisions exit with 0, different ones with 2 and the changed lines', async () => {
  await controller.flows.update('default', changed, { by: 'the test' });
  const equal = await controller.kflow('diff', 'words', '--from', '2', '--to', '2');
  expect([equal.status, equal.stdout, equal.stderr]).toEqual([0, '', 'default/words: no differences\n']);
  const different = await controller.kflow('diff', 'words');
  expect([different.status, different.stdout]).toEqual([2, expect.stringMatching(patch)]);
});

test('a file like the current revision exits with 0, another one with 2 and the changed lines', async () => {
  const { place } = controller;
  const equal = await controller.kflow('diff', 'words', place.write('equal.yaml', topology));
  expect([equal.status, equal.stdout, equal.stderr]).toEqual([0, '', expect.stringContaining('no differences')]);
  const different = await controller.kflow('diff', 'words', place.write('changed.yaml', changed));
  expect([different.status, different.stdout]).toEqual([2, expect.stringMatching(patch)]);
});

test('a file together with a revision is wrong usage', async () => {
  expect((await controller.kflow('diff', 'words', 'flow.yaml', '--from', '1')).status).toBe(64);
});
