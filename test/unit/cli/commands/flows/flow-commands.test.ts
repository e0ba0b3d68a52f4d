import { groups } from '../../../../../runtime/cli/registry';
import { freePort } from '../../../../support/free-port';
import { kflow } from '../../support';
import { TestController } from './support';

let controller: TestController;
beforeEach(async () => {
  controller = await TestController.start();
});
afterEach(() => controller.close());

/** Every command that names one flow, with words that succeed. */
const commands = [
  ['scale', 'leaf=2'],
  ['pause'],
  ['resume'],
  ['restart'],
  ['replay', '--function', 'leaf', '--from', 'first'],
  ['rollback', '--to', '1'],
  ['stop'],
  ['delete', '--yes'],
  ['status'],
  ['logs'],
  ['events'],
  ['dlq', 'list'],
  ['history'],
  ['diff'],
].map(([command = '', ...words]) => ({ command, words }));

test('every command with a job as its argument is in the list', () => {
  const declared = groups.flatMap((group) => group.commands).filter((command) => 'job' in command.arguments);
  expect(commands.map(({ command }) => command).sort()).toEqual(declared.map(({ name }) => name).sort());
});

test.each(commands)('kflow $command exits with 0', async ({ command, words }) => {
  expect(await controller.kflow(command, 'words', ...words)).toMatchObject({ status: 0 });
});

test.each(commands)('kflow $command of an unknown flow exits with 4', async ({ command, words }) => {
  const { status, stdout, stderr } = await controller.kflow(command, 'default/none', ...words);
  expect([status, stdout, stderr]).toEqual([4, '', expect.stringContaining('default/none')]);
});

test.each(commands)('kflow $command without a controller exits with 3', async ({ command, words }) => {
  const url = `http://127.0.0.1:${await freePort()}`;
  const { status, stdout, stderr } = await kflow(command, 'words', ...words, '--url', url);
  expect([status, stdout, stderr]).toEqual([3, '', expect.stringContaining(url)]);
});

test.each([
  ['history', ['words', '--revision', '7']],
  ['rollback', ['words', '--to', '7']],
  ['diff', ['words', '--from', '7']],
])('kflow %s of an unknown revision exits with 4', async (command, words) => {
  const { status, stderr } = await controller.kflow(command, ...words);
  expect([status, stderr]).toEqual([4, expect.stringContaining('no revision 7')]);
});
