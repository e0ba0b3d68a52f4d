import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkCluster } from '../../runtime/cli/commands/doctor/check-cluster';
import { checkKey } from '../../runtime/cli/commands/doctor/check-key';
import type { Finding } from '../../runtime/cli/commands/doctor/finding';
import { readControllerSettings } from '../../runtime/controller/settings/settings';
import { waitFor } from '../support/wait-for';
import { limitedAccess } from './limited-access';
import { connectCluster, makeNamespace, sharedKubeconfig } from './support';

const own = 'doctor-kflow';
const [granted, other, keyed] = ['doctor-orders', 'doctor-other', 'doctor-keyed'];
const folder = mkdtempSync(`${tmpdir()}/kflow-doctor-`);

beforeAll(async () => {
  for (const namespace of [own, granted, other, keyed]) await makeNamespace(namespace);
});
afterAll(() => rmSync(folder, { recursive: true }));

function settingsFor(kubeconfig: string, namespaces?: readonly string[], namespace = own) {
  const file = path.join(folder, 'controller.json');
  const servers = { nats: { url: 'nats://nats:4222' }, temporal: { address: 'temporal:7233' } };
  const cluster = { kind: 'kubernetes', kubeconfig, ...(namespaces && { namespaces }) };
  writeFileSync(file, JSON.stringify({ ...servers, cluster, installation: { namespace } }));
  return readControllerSettings({}, file);
}

const statesOf = (findings: readonly Finding[]) => findings.map(({ what, state }) => `${what} ${state}`);

test('the account of `kflow install` has every right, and Secrets in the granted namespaces', async () => {
  const file = await limitedAccess(own, folder, { secretNamespaces: [granted] });
  const settings = settingsFor(file);
  const findings = await checkCluster(settings, { namespaces: [granted, other], hasKey: false });
  expect(statesOf(findings)).toEqual(['cluster ok', 'rights ok', 'secrets ok', 'secrets warning', 'key secret ok']);
  expect(findings[0]?.found).toMatch(/^Kubernetes v1\.\d+\.\d+ at https:/);
  expect(findings[3]?.remedy).toBe(
    `kubectl create rolebinding kflow-flow-secrets --namespace ${other} --clusterrole kflow-flow-secrets --serviceaccount ${own}:kflow-controller`,
  );
  expect((await checkKey(settings)).finding).toMatchObject({
    state: 'warning',
    found: `no Secret ${own}/kflow-installation`,
  });
});

test('an account that may only read the installation key is told to create it, where there is none', async () => {
  const file = await limitedAccess(keyed, folder, { secretNamespaces: [], keySecret: 'kflow-installation' });
  const settings = settingsFor(file, undefined, keyed);
  const keyRight = async (hasKey: boolean) =>
    (await checkCluster(settings, { namespaces: [], hasKey })).find(({ what }) => what === 'key secret');
  await waitFor('the right to read the key', async () => (await keyRight(true))?.state === 'ok');
  expect(await keyRight(false)).toMatchObject({
    state: 'failed',
    found: `for the Secret ${keyed}/kflow-installation, this account cannot create secrets`,
  });
});

test('a watched namespace whose Role was removed is told with the rights that are missing', async () => {
  const file = await limitedAccess(other, folder);
  const admin = await connectCluster();
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'kflow-controller', namespace: other },
  };
  await admin.remove(role);
  const findings = await checkCluster(settingsFor(file, [other]), { namespaces: [], hasKey: true });
  const rights = findings.find(({ what }) => what === 'rights');
  expect(rights).toMatchObject({ state: 'failed', remedy: 'apply the manifests of `kflow install` again' });
  expect(rights?.found).toContain('create deployments.apps');
});

test('an administrator may manage the Secrets of every namespace', async () => {
  const findings = await checkCluster(settingsFor(sharedKubeconfig()), { namespaces: [], hasKey: false });
  expect(statesOf(findings)).toEqual(['cluster ok', 'rights ok', 'secrets ok', 'key secret ok']);
});

test('a cluster that does not answer fails', async () => {
  const dead = path.join(folder, 'dead.kubeconfig');
  writeFileSync(
    dead,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
      users: [{ name: 'u', user: { token: 'planted' } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
  );
  const findings = await checkCluster(settingsFor(dead), { namespaces: [], hasKey: false });
  expect(statesOf(findings)).toEqual(['cluster failed']);
  expect(JSON.stringify(findings)).not.toContain('planted');
});
