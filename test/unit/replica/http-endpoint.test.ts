import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConfigError } from '../../../lib/errors';
import { readEnvironment } from '../../../runtime/replica/environment';
import { HttpEndpoint } from '../../../runtime/replica/http-endpoint';
import { runReplica } from '../../../runtime/replica/replica';
import { ReplicaHealth } from '../../../runtime/replica/replica-health';
import { ReplicaMetrics } from '../../../runtime/replica/replica-metrics';
import { mapSpec } from '../plan/planned';

const host = '127.0.0.1';
const log = () => undefined;
const spec = mapSpec({ namespace: 'ns', jobId: 'words', function: 'count' });

let health: ReplicaHealth;
let endpoint: HttpEndpoint;
let stop: AbortController;

beforeEach(async () => {
  stop = new AbortController();
  health = new ReplicaHealth(stop.signal);
  endpoint = await HttpEndpoint.open({ host, port: 0, health, log });
});
afterEach(() => endpoint.close());

async function get(path: string, method = 'GET'): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://${host}:${endpoint.port}${path}`, { method });
  return { status: response.status, text: await response.text() };
}

function work(): void {
  health.connectionIs('up');
  health.enter('loading');
  health.enter('working');
}

const alive = { status: 200, text: 'ok\n' };
const unavailable = (why: string) => ({ status: 503, text: `${why}\n` });

test('a starting replica is alive, and not ready until its function is loaded', async () => {
  expect(await get('/livez')).toEqual(alive);
  expect(await get('/readyz')).toEqual(unavailable('starting: connecting to NATS'));
  health.connectionIs('up');
  expect(await get('/readyz')).toEqual(unavailable('starting: connecting to NATS'));
  health.enter('loading');
  expect(await get('/readyz')).toEqual(unavailable('starting: loading the function'));
  health.enter('working');
  expect(await get('/readyz')).toEqual(alive);
});

test('a replica whose connection is lost is alive, and ready again with the connection', async () => {
  work();
  health.connectionIs('lost');
  expect(await get('/readyz')).toEqual(unavailable('the connection to NATS is lost'));
  expect(await get('/livez')).toEqual(alive);
  health.connectionIs('up');
  expect(await get('/readyz')).toEqual(alive);
});

test('a stopping replica is alive until it ends, and not ready', async () => {
  work();
  stop.abort();
  expect(await get('/readyz')).toEqual(unavailable('stopping'));
  health.enter('ending');
  health.connectionIs('closed');
  expect(await get('/readyz')).toEqual(unavailable('stopping'));
  expect(await get('/livez')).toEqual(alive);
});

test('a replica that has ended is not ready', async () => {
  work();
  health.enter('ending');
  expect(await get('/readyz')).toEqual(unavailable('stopping'));
});

test('a replica that only a restart can help is not alive', async () => {
  work();
  health.connectionIs('closed');
  expect(await get('/livez')).toEqual(unavailable('the connection to NATS is closed'));
  expect(await get('/readyz')).toEqual(unavailable('the connection to NATS is closed'));
  health.connectionIs('up');
  health.hostDied();
  expect(await get('/livez')).toEqual(unavailable("the process of the function's code has exited"));
});

test('a replica does not go back to an earlier phase', () => {
  work();
  expect(() => health.enter('loading')).toThrow('the replica is working; it cannot become loading');
});

test('answers HEAD without a body, and no other method', async () => {
  expect(await get('/livez', 'HEAD')).toEqual({ status: 200, text: '' });
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) expect((await get('/livez', method)).status).toBe(405);
  const response = await fetch(`http://${host}:${endpoint.port}/readyz`, { method: 'POST', body: 'text' });
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});

test('serves three paths, with any query, and /metrics only when metrics are on', async () => {
  for (const path of ['/', '/livez/', '/healthz', '/constructor', '//', '/%', '/metrics']) {
    expect([path, (await get(path)).status]).toEqual([path, 404]);
  }
  expect(await get('/livez?verbose')).toEqual(alive);
});

test('serves metrics in the text format of Prometheus', async () => {
  await endpoint.close();
  const metrics = new ReplicaMetrics(spec, { in: 3, out: 2, failed: 1, dead: 0 }, { sent: 0, dropped: 0 });
  endpoint = await HttpEndpoint.open({ host, port: 0, health, metrics, log });
  const response = await fetch(`http://${host}:${endpoint.port}/metrics`);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(await response.text()).toContain('\nevents_total{namespace="ns",flow="words",function="count"} 3\n');
});

test('frees its port although a connection is kept open', async () => {
  await get('/livez');
  const { port } = endpoint;
  await endpoint.close();
  endpoint = await HttpEndpoint.open({ host, port, health, log });
  expect(await get('/livez')).toEqual(alive);
});

describe('a port that is taken', () => {
  let other: Server;
  let port: number;
  beforeEach(async () => {
    other = createServer();
    await new Promise<void>((resolve) => other.listen(0, host, resolve));
    port = (other.address() as AddressInfo).port;
  });
  afterEach(() => new Promise((resolve) => other.close(resolve)));

  test('ends a replica with a ConfigError that names it, before it connects', async () => {
    const environment = readEnvironment({
      KFLOW_SPEC: 'spec.json',
      KFLOW_NATS_URL: 'nats://127.0.0.1:1',
      KFLOW_HTTP_HOST: host,
      KFLOW_HTTP_PORT: String(port),
    });
    const failure = await runReplica(spec, environment, log, stop.signal).catch((error) => error);
    expect(failure).toBeInstanceOf(ConfigError);
    expect(failure).toMatchObject({
      code: 'config-invalid',
      message: `KFLOW_HTTP_PORT: cannot listen on ${host}:${port}: the port is in use; set another port`,
    });
  });
});
