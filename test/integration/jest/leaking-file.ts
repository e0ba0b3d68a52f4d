import { createServer } from 'node:net';

/** Run by `runs-end.test.ts`: the test passes and leaves a listening server open. */
test('leaves a listening server', async () => {
  await new Promise<void>((resolve) => createServer().listen(0, '127.0.0.1', resolve));
});
