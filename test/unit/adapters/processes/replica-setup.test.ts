import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type DesiredWorkload, readWorkload } from '../../../../runtime/adapters/processes/desired-workload';
import { setUpReplica } from '../../../../runtime/adapters/processes/replica-setup';
import { StoredObjects } from '../../../../runtime/adapters/processes/stored-objects';

const root = mkdtempSync(path.join(tmpdir(), 'kflow-setup-'));
const objects = new StoredObjects(path.join(root, 'objects'));
afterAll(() => rmSync(root, { recursive: true }));

const base64 = (text: string) => Buffer.from(text).toString('base64');

function variablesOf(container: object): { readonly [name: string]: string } {
  const labels = { 'kflow.io/job': 'words', 'kflow.io/function': 'map' };
  const template = { metadata: { labels }, spec: { containers: [container] } };
  const metadata = { name: 'words--map', namespace: 'orders' };
  const workload = readWorkload({ apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { template } });
  const folder = path.join(root, 'replica');
  return setUpReplica({ workload: workload as DesiredWorkload, number: 0, name: 'map-0', folder }, objects);
}

beforeAll(() => {
  const put = (kind: string, name: string, fields: object) =>
    objects.put({ apiVersion: 'v1', kind, metadata: { name, namespace: 'orders' }, ...fields });
  put('ConfigMap', 'vars', { data: { LEVEL: 'debug', MODE: 'fast' } });
  put('Secret', 'db', { data: { USER: base64('me') }, stringData: { PASSWORD: 'mine' } });
});

test('envFrom gives the keys of ConfigMaps and Secrets as variables, and env overrides them', () => {
  const envFrom = [{ configMapRef: { name: 'vars' } }, { prefix: 'DB_', secretRef: { name: 'db' } }];
  expect(variablesOf({ envFrom, env: [{ name: 'MODE', value: 'slow' }] })).toEqual({
    LEVEL: 'debug',
    MODE: 'slow',
    DB_USER: 'me',
    DB_PASSWORD: 'mine',
  });
});

test('an object of envFrom that does not exist is named, unless it is optional', () => {
  expect(variablesOf({ envFrom: [{ secretRef: { name: 'none', optional: true } }] })).toEqual({});
  expect(() => variablesOf({ envFrom: [{ secretRef: { name: 'none' } }] })).toThrow('envFrom: Secret none not found');
});
