import { JetStreamPlace } from '../jetstream/jetstream-place';

/** A test file that `runs-end.test.ts` runs: its test fails, and leaves a server and a connection behind. */
test('fails beside a server', async () => {
  await JetStreamPlace.start();
  throw new Error('on purpose');
});
