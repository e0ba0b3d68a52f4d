import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { KFlowError } from '../../../../lib/errors';
import { readControllerSettings } from '../../../../runtime/controller/settings/settings';

const folder = mkdtempSync(path.join(tmpdir(), 'kflow-settings-'));
afterAll(() => rmSync(folder, { recursive: true }));

const needed = {
  KFLOW_CONTROLLER_NATS_URL: 'nats://nats:4222',
  KFLOW_CONTROLLER_TEMPORAL_ADDRESS: 'temporal:7233',
};

function file(text: string): string {
  const name = path.join(folder, 'controller.yaml');
  writeFileSync(name, text);
  return name;
}

function faultsOf(env: NodeJS.ProcessEnv, text?: string): string[] {
  try {
    readControllerSettings(env, text === undefined ? undefined : file(text));
  } catch (error) {
    expect(error).toMatchObject({ name: 'ConfigError', code: 'config-invalid' });
    return (error as KFlowError).message
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
  throw new Error('the settings are valid');
}

test('requires only the addresses of NATS and Temporal, and is open on loopback', () => {
  expect(readControllerSettings(needed)).toEqual({
    listen: { host: '127.0.0.1', port: 9080, shutdownDelaySeconds: 0 },
    nats: { url: 'nats://nats:4222', accounts: { kind: 'shared' } },
    temporal: { address: 'temporal:7233', namespace: 'default', taskQueue: 'kflow', historyLength: 4_000 },
    installation: { secret: 'kflow-installation' },
    cluster: { kind: 'kubernetes' },
    pods: { image: 'kflow:latest' },
    s3: {},
    requests: {},
    access: { kind: 'open' },
    times: { pauseGraceSeconds: 30, readySeconds: 120 },
    log: { level: 'INFO', format: 'json' },
  });
});

test('reads addresses of requests, which have a category and no login', () => {
  const env = { ...needed, KFLOW_CONTROLLER_REQUESTS_ADDRESSES: 'crm=http://crm:80/v1, test/crm=http://crm.test' };
  const { addresses } = readControllerSettings(env).requests;
  expect(addresses).toEqual(['crm=http://crm:80/v1', 'test/crm=http://crm.test']);
  for (const wrong of ['http://crm', 'crm=ftp://crm', 'a/b/crm=http://crm', 'crm=http://me:secret@crm']) {
    const [fault] = faultsOf({ ...needed, KFLOW_CONTROLLER_REQUESTS_ADDRESSES: wrong });
    expect(fault).toContain('expected CATEGORY=URL or ENVIRONMENT/CATEGORY=URL');
  }
});

test('reads what applies to the pods of all flows', () => {
  const env = {
    ...needed,
    KFLOW_CONTROLLER_PODS_IMAGE_PULL_SECRETS: 'registry,mirror',
    KFLOW_CONTROLLER_PODS_IMAGE_PULL_POLICY: 'Always',
  };
  const pods = { image: 'kflow:latest', imagePullSecrets: ['registry', 'mirror'], imagePullPolicy: 'Always' };
  for (const [written, runAsUser] of [
    ['cluster', 'cluster'],
    ['5000', 5000],
  ]) {
    const settings = readControllerSettings({ ...env, KFLOW_CONTROLLER_PODS_RUN_AS_USER: String(written) });
    expect(settings.pods).toEqual({ ...pods, runAsUser });
  }
});

test('reads the access to an object store, with flags, from the environment', () => {
  const s3 = {
    KFLOW_CONTROLLER_S3_DEFAULT_ADDR: 'https://s3.example.org',
    KFLOW_CONTROLLER_S3_DEFAULT_USER: 'me',
    KFLOW_CONTROLLER_S3_DEFAULT_PASSWORD: 'mine',
    KFLOW_CONTROLLER_S3_DEFAULT_REGION: 'eu-central-1',
    KFLOW_CONTROLLER_S3_DEFAULT_PATH_STYLE: 'false',
  };
  expect(readControllerSettings({ ...needed, ...s3 }).s3.default).toEqual({
    addr: 'https://s3.example.org',
    user: 'me',
    password: 'mine',
    region: 'eu-central-1',
    pathStyle: false,
  });
  expect(faultsOf({ ...needed, ...s3, KFLOW_CONTROLLER_S3_DEFAULT_PATH_STYLE: 'no' })).toEqual([
    expect.stringContaining('KFLOW_CONTROLLER_S3_DEFAULT_PATH_STYLE: expected boolean, got "no"'),
  ]);
});

test('overrides the file by the environment, including lists and numbers, and freezes the result', () => {
  const text = `
nats: { url: 'nats://file:4222' }
temporal: { address: temporal:7233, namespace: flows }
cluster: { kind: kubernetes, namespaces: [a] }
access: { kind: tokens, file: /etc/kflow/tokens }
`;
  const env = {
    KFLOW_CONTROLLER_NATS_URL: 'nats://env:4222',
    KFLOW_CONTROLLER_CLUSTER_NAMESPACES: 'b, c',
    KFLOW_CONTROLLER_TIMES_READY_SECONDS: '7',
    KFLOW_CONTROLLER_LISTEN_HOST: '0.0.0.0',
  };
  const settings = readControllerSettings(env, file(text));
  expect(settings).toMatchObject({
    nats: { url: 'nats://env:4222' },
    temporal: { namespace: 'flows' },
    cluster: { kind: 'kubernetes', namespaces: ['b', 'c'] },
    access: { kind: 'tokens', file: '/etc/kflow/tokens' },
    times: { readySeconds: 7 },
  });
  expect(() => Object.assign(settings.times, { readySeconds: 8 })).toThrow(TypeError);
});

test('reports every fault at once, by its path or its variable, with the nearest name', () => {
  const text = `
listen: { port: 99999 }
nats: {}
temporal: { adress: temporal:7233 }
cluster: { kind: processes, socket: /s, context: minikube }
s3: { default: { addr: minio:9000, user: me, password: 17 } }
times: { readySecond: 1 }
`;
  const env = { KFLOW_CONTROLLER_LOG_LEVEL: 'LOUD', KFLOW_CONTROLLER_TEMPORAL_ADRESS: 'x', KFLOW_NATS_URL: 'ignored' };
  expect(faultsOf(env, text).sort()).toEqual(
    [
      'KFLOW_CONTROLLER_TEMPORAL_ADRESS: unknown setting; did you mean KFLOW_CONTROLLER_TEMPORAL_ADDRESS?',
      'listen.port: Too big: expected number to be <=65535, got 99999',
      'nats.url: missing: URL of NATS, as `nats://host:4222` or `tls://host:4222`; separate several with commas; set it in the file or as KFLOW_CONTROLLER_NATS_URL',
      'temporal.address: missing: `host:port` of the Temporal frontend; set it in the file or as KFLOW_CONTROLLER_TEMPORAL_ADDRESS',
      'temporal.adress: unknown setting; did you mean "address"?',
      'cluster.context: not a setting of the kind "processes"',
      's3.default.password: expected string, got a value that is not shown',
      'times.readySecond: unknown setting; did you mean "readySeconds"?',
      'KFLOW_CONTROLLER_LOG_LEVEL: expected one of DEBUG, INFO, WARNING, ERROR, CRITICAL, got "LOUD"',
    ].sort(),
  );
});

test('a URL of nats with a password is a fault that does not show the password', () => {
  const env = { ...needed, KFLOW_CONTROLLER_NATS_URL: 'nats://me:hunter2@nats:4222' };
  expect(faultsOf(env, "pods: { natsUrl: 'nats://hunter2@nats' }\n")).toEqual([
    expect.stringMatching(/^KFLOW_CONTROLLER_NATS_URL: contains a user, password or token, .* user, password, token$/),
    expect.stringMatching(/^pods\.natsUrl: contains a user, password or token/),
  ]);
  expect(faultsOf(env).join()).not.toContain('hunter2');
});

test('requires tokens unless the API is on loopback', () => {
  const pod = { ...needed, KUBERNETES_SERVICE_HOST: '10.0.0.1' };
  expect(faultsOf(pod)).toEqual([
    'access: missing, and the API listens on 0.0.0.0; set access.kind to tokens or oidc, or listen.host to 127.0.0.1',
  ]);
  expect(faultsOf({ ...pod, KFLOW_CONTROLLER_ACCESS_KIND: 'open' })).toEqual([
    'access.kind: is open, and the API listens on 0.0.0.0; set access.kind to tokens or oidc, or listen.host to 127.0.0.1',
  ]);
  const oidc = {
    ...pod,
    KFLOW_CONTROLLER_ACCESS_KIND: 'oidc',
    KFLOW_CONTROLLER_ACCESS_ISSUER: 'https://issuer.example.org',
    KFLOW_CONTROLLER_ACCESS_AUDIENCE: 'kflow',
  };
  expect(readControllerSettings(oidc)).toMatchObject({
    listen: { host: '0.0.0.0' },
    access: { kind: 'oidc', audience: 'kflow' },
  });
});

test('a file may end with an empty document, but has no second one', () => {
  const text = "nats: { url: 'nats://file:4222' }\n---\n";
  const { KFLOW_CONTROLLER_NATS_URL: _, ...others } = needed;
  expect(readControllerSettings(others, file(text)).nats.url).toBe('nats://file:4222');
  expect(() => readControllerSettings(others, file(`${text}log: { level: DEBUG }\n`))).toThrow(
    'cannot read the settings: a second document begins here',
  );
});

test.each([
  ['s3: { default: { user: u, password: hunter2 : x } }\n', /invalid YAML, BLOCK_IN_FLOW, at line 1, column 37$/],
  ['log: {}\ns3: { default: { password: *hunter2 } }\n', /an alias without its anchor$/],
])('a fault of the text does not quote it: %s', (text, reason) => {
  const read = () => readControllerSettings(needed, file(text));
  expect(read).toThrow(reason);
  expect(read).not.toThrow(/hunter2/);
});

test('rejects a file that is missing or not a map', () => {
  expect(() => readControllerSettings(needed, file('- a list'))).toThrow(
    /controller\.yaml: expected a map of settings/,
  );
  expect(() => readControllerSettings(needed, path.join(folder, 'none.yaml'))).toThrow(
    /none\.yaml: cannot read the settings: ENOENT/,
  );
});
