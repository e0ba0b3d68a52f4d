import { randomUUID } from 'node:crypto';
import { freePort } from '../../support/free-port';
import { LoginPlace, secret } from '../../support/login-place';
import { OperationPlace } from './operation-place';

const logins = new LoginPlace();
let place: OperationPlace;
beforeAll(async () => {
  place = await OperationPlace.start();
});

const sends = async (settings: { readonly [variable: string]: string }) => {
  const message = JSON.stringify({ uuid: randomUUID(), entrypoint: 'm.C' });
  const program = place.start('sends', ['test/fixtures/operations/programs/send.py', 'work', message], settings);
  await program.ended();
  const [result = '{}'] = program.output.split('\n').filter((line) => line.startsWith('{'));
  return { result: JSON.parse(result), output: program.output };
};

test.each(logins.ways())('Python logs in with the files for $name, and not with wrong ones', async (way) => {
  const server = await logins.start(`python-${way.name.replaceAll(' ', '-')}`, way.config);
  const url = { KFLOW_NATS_URL: server.url.replace('nats:', `${way.scheme}:`) };
  const right = await sends({ ...url, KFLOW_NATS_CREDENTIALS: logins.credentials(way.right) });
  expect(right).toMatchObject({ result: { retcode: 0 } });
  const wrong = await sends({ ...url, KFLOW_NATS_CREDENTIALS: logins.credentials(way.wrong) });
  expect(wrong).toMatchObject({ result: { retcode: 503 } });
  expect(wrong.output).not.toContain(secret);
});

test('Python beside a leaf node has its streams and states in the domain of the hub', async () => {
  const port = await freePort();
  const config = (name: string) => [
    `server_name: ${name}`,
    `jetstream { domain: ${name}, store_dir: "${logins.dataOf(name)}" }`,
  ];
  await logins.start('hub', [...config('hub'), `leafnodes { listen: "127.0.0.1:${port}" }`]);
  const remote = `leafnodes { remotes: [{ url: "nats://127.0.0.1:${port}" }] }`;
  const leaf = await logins.start('leaf', [...config('leaf'), remote]);
  const checks = place.start('checks', ['test/fixtures/operations/programs/transport_check.py', 'DomainTest'], {
    KFLOW_NATS_URL: leaf.url,
    KFLOW_NATS_DOMAIN: 'hub',
  });
  const status = await checks.ended();
  expect(checks.output).toMatch(/Ran 5 tests in .*\s+OK/);
  expect(status).toBe(0);
});
