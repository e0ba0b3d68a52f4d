import { createServer } from 'node:net';

/** A test file that `runs-end.test.ts` runs: its test passes, and nobody closes what it has opened. */
test('leaves a listening server', async () => {
  await new Promise<void>((resolve) => createServer().listen(0, '127.0.0.1', resolve));
});
