import { PassThrough } from 'node:stream';
import { flow, TestController } from './support';

let controller: TestController;
beforeEach(async () => {
  controller = await TestController.start();
});
afterEach(async () => {
  jest.restoreAllMocks();
  await controller.close();
});

/** Replaces stdin by a terminal with this input, or by something that is no terminal. */
function provideInput(input: string | undefined): void {
  const stdin = Object.assign(new PassThrough(), { isTTY: input !== undefined });
  stdin.end(input);
  jest.spyOn(process, 'stdin', 'get').mockReturnValue(stdin as unknown as typeof process.stdin);
}

const endings = () => controller.flows.requests.map(({ what, args }) => [what, args]);

test('without --yes and without a terminal, the command exits with 64 and deletes nothing', async () => {
  provideInput(undefined);
  const { status, stderr } = await controller.kflow('delete', 'words');
  expect([status, stderr]).toEqual([64, expect.stringContaining('--yes is required')]);
  expect(endings()).toEqual([]);
});

test.each(['n\n', '\n', 'yesterday\n'])(
  'the answer %j exits with 1 and deletes nothing, even with --force',
  async (answer) => {
    provideInput(answer);
    const { status, stderr } = await controller.kflow('delete', '--force', 'words');
    expect([status, stderr]).toEqual([1, expect.stringContaining('nothing was deleted')]);
    expect(endings()).toEqual([]);
  },
);

test.each(['y\n', 'Yes\n'])('the answer %j deletes the flow', async (answer) => {
  provideInput(answer);
  const { status, stdout, stderr } = await controller.kflow('delete', 'words', '--wait');
  expect([status, stdout]).toEqual([0, 'default/words: delete requested; Canceled, revision 1\n']);
  expect(stderr).toContain('delete default/words with its streams and documents?');
  expect(endings()).toEqual([['end', 'delete']]);
});

test.each([
  [['--yes'], 'delete'],
  [['--yes', '--force'], 'force'],
])('%j requests the ending %s', async (words, ending) => {
  expect((await controller.kflow('delete', 'words', ...words)).status).toBe(0);
  expect(endings()).toEqual([['end', ending]]);
});

test('--yes deletes no stopped flow, and names --force', async () => {
  controller.flows.enter(flow, 'Stopped');
  const { status, stderr } = await controller.kflow('delete', '--yes', 'words');
  expect([status, stderr]).toEqual([1, expect.stringContaining('kflow delete --force default/words')]);
  expect(endings()).toEqual([['end', 'delete']]);
});
