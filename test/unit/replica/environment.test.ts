import { hostname } from 'node:os';
import { readEnvironment } from '../../../runtime/replica/environment';

const least = { KFLOW_SPEC: 'spec.json', KFLOW_NATS_URL: 'nats://nats:4222' };

test('names the folder of credentials and the domain of nats', () => {
  expect(readEnvironment(least).nats).toEqual({ url: 'nats://nats:4222' });
  const all = { ...least, KFLOW_NATS_CREDENTIALS: '/etc/kflow/nats', KFLOW_NATS_DOMAIN: 'hub' };
  expect(readEnvironment(all).nats).toEqual({ url: 'nats://nats:4222', credentials: '/etc/kflow/nats', domain: 'hub' });
});

test('does not listen without a port', () => {
  expect(readEnvironment({ ...least, KFLOW_METRICS: 'true' }).http).toBeUndefined();
});

test('listens on every address, without metrics, by default', () => {
  const port = { KFLOW_HTTP_PORT: '8080' };
  expect(readEnvironment({ ...least, ...port }).http).toEqual({ host: '0.0.0.0', port: 8080, hasMetrics: false });
  const all = { ...least, ...port, KFLOW_HTTP_HOST: '::1', KFLOW_METRICS: 'true' };
  expect(readEnvironment(all).http).toEqual({ host: '::1', port: 8080, hasMetrics: true });
  expect(readEnvironment({ ...all, KFLOW_METRICS: 'false' }).http?.hasMetrics).toBe(false);
});

test('listens on any free port and writes the port to a file', () => {
  const any = { ...least, KFLOW_HTTP_PORT: '0', KFLOW_HTTP_PORT_FILE: '/run/port' };
  expect(readEnvironment(any).http).toMatchObject({ port: 0, portFile: '/run/port' });
});

test.each(['-1', '65536', '80.5', 'http', ''])('refuses the port "%s" and names the variable', (port) => {
  expect(() => readEnvironment({ ...least, KFLOW_HTTP_PORT: port })).toThrow(/^environment: KFLOW_HTTP_PORT: /);
});

test('tells the progress of transfers in steps of a percentage', () => {
  expect(readEnvironment(least).progressPercent).toBeUndefined();
  expect(readEnvironment({ ...least, KFLOW_DL_UP_PROGRESS: '25' }).progressPercent).toBe(25);
});

test.each([
  ['KFLOW_DL_UP_PROGRESS', '0'],
  ['KFLOW_DL_UP_PROGRESS', '101'],
  ['KFLOW_DL_UP_PROGRESS', 'often'],
  ['KFLOW_LOG_FORMAT', 'xml'],
])('refuses %s=%s and names the variable', (name, value) => {
  expect(() => readEnvironment({ ...least, [name]: value })).toThrow(new RegExp(`^environment: ${name}: `));
});

test('has the name that it is given, that of its pod, or none', () => {
  expect(readEnvironment(least).name).toBeUndefined();
  expect(readEnvironment({ ...least, KUBERNETES_SERVICE_HOST: '10.0.0.1' }).name).toBe(hostname());
  const named = { ...least, KUBERNETES_SERVICE_HOST: '10.0.0.1', KFLOW_REPLICA_NAME: 'map-1' };
  expect(readEnvironment(named).name).toBe('map-1');
});

test.each([
  [0, 'without an index', {}],
  [3, 'with the index of its Job pod', { JOB_COMPLETION_INDEX: '3' }],
  [2, 'with its own setting, whatever the index of its Job pod', { JOB_COMPLETION_INDEX: '3', KFLOW_REPLICA: '2' }],
])('is replica %i %s', (replica, _, env) => {
  expect(readEnvironment({ ...least, ...env }).replica).toBe(replica);
});

test.each([
  [{}, { isDownloadFailureSkipped: false, isLongRunning: false, isStreaming: false }],
  [{ KFLOW_SKIP_DOWNLOAD_ERROR: 'true' }, { isDownloadFailureSkipped: true, isLongRunning: false, isStreaming: false }],
  [
    { KFLOW_LONG_RUNNING_PROCESSING: 'true' },
    { isDownloadFailureSkipped: false, isLongRunning: true, isStreaming: false },
  ],
])('the environment %j sets exactly the switches %j', (env, switches) => {
  expect(readEnvironment({ ...least, ...env })).toMatchObject(switches);
});

test.each([
  ['true', true],
  ['True', true],
  ['TRUE', true],
  ['1', true],
  ['yes', true],
  ['false', false],
  ['False', false],
  ['0', false],
  ['', false],
  [undefined, false],
])('KFLOW_STREAM_PROCESS_FUNCTION=%s makes isStreaming %s', (value, isStreaming) => {
  const env = value === undefined ? least : { ...least, KFLOW_STREAM_PROCESS_FUNCTION: value };
  expect(readEnvironment(env).isStreaming).toBe(isStreaming);
});
