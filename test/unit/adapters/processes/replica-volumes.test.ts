import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type DesiredWorkload, readWorkload } from '../../../../runtime/adapters/processes/desired-workload';
import { refreshSecrets, toRealPath, writeVolumes } from '../../../../runtime/adapters/processes/replica-volumes';
import { StoredObjects } from '../../../../runtime/adapters/processes/stored-objects';

const root = mkdtempSync(path.join(tmpdir(), 'kflow-volumes-'));
const folder = path.join(root, 'replica');
const objects = new StoredObjects(path.join(root, 'objects'));
afterAll(() => rmSync(root, { recursive: true }));

function put(kind: 'ConfigMap' | 'Secret', name: string, fields: object): void {
  objects.put({ apiVersion: 'v1', kind, metadata: { name, namespace: 'orders' }, ...fields });
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

function replicaOf(volumes: readonly object[], volumeMounts: readonly object[]) {
  const labels = { 'kflow.io/job': 'words', 'kflow.io/function': 'map' };
  const template = { metadata: { labels }, spec: { containers: [{ volumeMounts }], volumes } };
  const metadata = { name: 'words--map', namespace: 'orders' };
  const workload = readWorkload({ apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { template } });
  return { workload: workload as DesiredWorkload, number: 0, name: 'map-0', folder };
}

const replica = replicaOf(
  [
    { name: 'spec', configMap: { name: 'words--map' } },
    { name: 'nats', projected: { sources: [{ secret: { name: 'login' } }, { secret: { name: 'ca' } }] } },
    { name: 'unused', secret: { secretName: 'login' } },
  ],
  [
    { name: 'spec', mountPath: '/etc/kflow' },
    { name: 'nats', mountPath: '/etc/kflow/nats' },
  ],
);

beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  put('ConfigMap', 'words--map', { data: { 'spec.json': '{}' } });
  put('Secret', 'login', { data: { user: base64('me'), password: base64('first') } });
  put('Secret', 'ca', { stringData: { 'ca.crt': 'certificate' } });
});

test('ConfigMaps and Secrets are files, and paths below a mount lead to them', () => {
  const mounts = writeVolumes(replica, objects);
  expect([...mounts.keys()]).toEqual(['/etc/kflow', '/etc/kflow/nats']);
  const nats = toRealPath('/etc/kflow/nats', mounts);
  expect(nats).toBe(path.join(folder, 'volumes/nats'));
  expect(readdirSync(nats).sort()).toEqual(['ca.crt', 'password', 'user']);
  expect(readFileSync(path.join(nats, 'password'), 'utf8')).toBe('first');
  expect(readFileSync(toRealPath('/etc/kflow/spec.json', mounts), 'utf8')).toBe('{}');
});

test('only the owner can read the files', () => {
  const nats = toRealPath('/etc/kflow/nats', writeVolumes(replica, objects));
  expect(statSync(nats).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(nats)) expect(statSync(path.join(nats, name)).mode & 0o777).toBe(0o600);
});

test('changed Secrets reach the folder of a running replica; its ConfigMaps stay as they were at its start', () => {
  const nats = toRealPath('/etc/kflow/nats', writeVolumes(replica, objects));
  put('Secret', 'login', { data: { token: base64('second') } });
  put('ConfigMap', 'words--map', { data: { 'spec.json': '{"later":true}' } });
  refreshSecrets(replica, objects);
  expect(readdirSync(nats).sort()).toEqual(['ca.crt', 'token']);
  expect(readFileSync(path.join(nats, 'token'), 'utf8')).toBe('second');
  expect(readFileSync(path.join(folder, 'volumes/spec/spec.json'), 'utf8')).toBe('{}');
});

test('a Secret that exists only in a cluster is not mounted', () => {
  const other = replicaOf(
    [{ name: 'own', secret: { secretName: 'elsewhere' } }],
    [{ name: 'own', mountPath: '/secrets' }],
  );
  expect(writeVolumes(other, objects).size).toBe(0);
});

test('a ConfigMap that does not exist is named', () => {
  const other = replicaOf([{ name: 'a', configMap: { name: 'elsewhere' } }], [{ name: 'a', mountPath: '/a' }]);
  expect(() => writeVolumes(other, objects)).toThrow('ConfigMap elsewhere not found');
});
