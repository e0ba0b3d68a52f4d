import { JetStreamPlace } from '../jetstream/jetstream-place';

/** Run by `runs-end.test.ts`: the test fails and leaves a server and a connection open. */
test('fails beside a server', async () => {
  await JetStreamPlace.start();
  throw new Error('on purpose');
});
