import { LoginPlace, type LoginWay, secret, withoutLineBreaks } from '../support/login-place';
import { hostAddress } from './cluster/network';
import { expectLedger } from './stage/expect-ledger';
import { GitOpsRun } from './stage/flow-run';
import { kubectl } from './stage/node';

const place = new LoginPlace(hostAddress);

/** NACK and the pods log in with one Secret of the namespace; replicas make streams, too, so that NACK is asked for its own. */
test.each(place.ways())('flows by manifests store each number once on a nats that asks for $name', async (way) => {
  const { url } = await place.start(way.name, way.config);
  const nats = { url: url.replace('nats://', `${way.scheme}://`), login: withoutLineBreaks(way.right) };
  const name = way.name.replaceAll(' ', '-').toLowerCase();
  const runs = (['batch', 'stream'] as const).map(
    (mode) => new GitOpsRun({ namespace: `login-${name}-${mode}`, mode, count: 200, rate: 20 }, { nats }),
  );
  for (const run of runs) await run.start();
  for (const run of runs) {
    await expectLedger(run);
    await run.untilNackIsReady();
    await expectNoSecret(run.namespace, way);
    await run.close();
  }
});

/** Only Secrets have what logs in. */
async function expectNoSecret(namespace: string, { right }: LoginWay): Promise<void> {
  const kinds = 'pods,jobs,deployments,configmaps,streams.jetstream.nats.io,accounts.jetstream.nats.io,events';
  const shown = await kubectl(['get', kinds, '-n', namespace, '-o', 'json']);
  const logs = await kubectl(['logs', '-n', namespace, '-l', 'kflow.io/job', '--tail', '-1', '--prefix']);
  for (const text of [secret, ...Object.values(right).map((each) => each.trim())]) {
    if (text.length > 8) expect((shown + logs).includes(text)).toBe(false);
  }
}
