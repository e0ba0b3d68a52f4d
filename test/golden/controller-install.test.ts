import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ControllerInstall } from '../../lib/constructs/controller/controller-install';
import type { ControllerInstallProps } from '../../lib/constructs/controller/controller-install-props';
import { FlowApp } from '../../lib/constructs/flow-app';
import { type InstallOptions, renderInstall } from '../../runtime/cli/commands/controller/install-manifests';
import { readControllerSettings } from '../../runtime/controller/settings/settings';

/** Complete manifests for review. `npm run golden` rewrites them. */
const isWriting = process.env.KFLOW_GOLDEN === 'write';
const servers = { natsUrl: 'nats://nats.nats.svc:4222', temporalAddress: 'temporal-frontend.temporal.svc:7233' };

const golden: { readonly [name: string]: ControllerInstallProps } = {
  'controller-tokens': {
    ...servers,
    access: { kind: 'tokens', secret: 'kflow-tokens' },
    secretNamespaces: ['orders', 'billing'],
    natsAccounts: 'operator',
  },
  'controller-oidc': {
    ...servers,
    access: { kind: 'oidc', issuer: 'https://issuer.example.org', audience: 'kflow' },
    namespace: 'operations',
    hasNamespace: true,
    image: 'registry.example.org/kflow:1.2',
    replicas: 3,
    watchNamespaces: ['orders', 'billing'],
    settingsSecret: 'kflow-settings',
    egress: ['minio.storage.svc:9000'],
    keySecret: 'kflow-key',
    imagePullSecrets: ['registry'],
    priorityClassName: 'platform',
    tlsSecret: 'kflow-tls',
  },
};

function synthesize(props: ControllerInstallProps) {
  const app = new FlowApp();
  new ControllerInstall(app, 'kflow', props);
  return { text: [...app.texts().values()].join(''), objects: [...app.manifests().values()].flat() };
}

test.each(Object.entries(golden))('%s renders the golden manifests', (name, props) => {
  const { text } = synthesize(props);
  const file = path.join(__dirname, `${name}.yaml`);
  if (isWriting) writeFileSync(file, text);
  expect(existsSync(file)).toBe(true);
  expect(text).toBe(readFileSync(file, 'utf8'));
});

test.each(Object.entries(golden))('%s mounts settings that the controller accepts', (_name, props) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'kflow-install-'));
  try {
    const file = path.join(folder, 'controller.yaml');
    const config = synthesize(props).objects.find(({ kind }) => kind === 'ConfigMap');
    const data = config?.data as { readonly [name: string]: string } | undefined;
    writeFileSync(file, data?.['controller.yaml'] ?? '');
    expect(readControllerSettings({ KUBERNETES_SERVICE_HOST: '10.0.0.1' }, file)).toMatchObject({
      nats: { url: servers.natsUrl },
      temporal: { address: servers.temporalAddress },
      cluster: { kind: 'kubernetes' },
      access: { kind: props.access.kind },
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('rejects an address with a password, which the ConfigMap would expose', () => {
  const access = { kind: 'tokens', secret: 'kflow-tokens' } as const;
  expect(() => synthesize({ ...servers, natsUrl: 'nats://me:secret@nats:4222', access })).toThrow(
    expect.objectContaining({ code: 'secret-exposed', message: expect.not.stringContaining('secret@') }),
  );
});

test('kflow install rejects a controller without access control, and names the options', () => {
  const nothing = {
    tokensSecret: undefined,
    oidcIssuer: undefined,
    oidcAudience: undefined,
    oidcRolesClaim: undefined,
  };
  const options = { ...servers, namespace: 'kflow', createNamespace: true, image: 'kflow:1', replicas: 2 };
  const nats = { natsSecret: [], podNatsSecret: [], natsAccounts: undefined, natsDomain: undefined };
  const rights = { watchNamespaces: undefined, secretNamespaces: undefined, allSecrets: false, keySecret: undefined };
  const pods = { imagePullSecret: [], priorityClass: undefined, tlsSecret: undefined, taskQueue: undefined };
  const more = { ...nats, ...pods, settingsSecret: undefined, ...rights, egress: [], oidcRole: [] };
  const open: InstallOptions = { ...nothing, ...options, ...more };
  expect(() => renderInstall(open)).toThrow(
    expect.objectContaining({
      status: 64,
      message: expect.stringMatching(
        /--oidc-issuer URL --oidc-audience NAME.*--tokens-secret NAME.*kubectl create secret/s,
      ),
    }),
  );
  const oidcIssuer = 'https://issuer.example.org';
  expect(() => renderInstall({ ...open, oidcIssuer })).toThrow('--oidc-audience');
  expect(() => renderInstall({ ...open, oidcIssuer, tokensSecret: 'tokens' })).toThrow('not both');
  const closed: InstallOptions = { ...open, tokensSecret: 'tokens', secretNamespaces: ['orders'] };
  expect(() => renderInstall({ ...closed, oidcAudience: 'kflow' })).toThrow('--oidc-audience requires --oidc-issuer');
  expect(() => renderInstall({ ...closed, oidcRole: [['team', 'view']] })).toThrow(
    '--oidc-role requires --oidc-issuer',
  );
  expect(() => renderInstall({ ...closed, allSecrets: true })).toThrow('not both');
  expect(() => renderInstall({ ...closed, watchNamespaces: ['orders'] })).toThrow(
    '--secret-namespaces has no effect: --watch-namespaces covers the Secrets of its namespaces; leave one out',
  );
  expect(renderInstall(closed)).toContain('kflow-flow-secrets');
  const accounts: InstallOptions = { ...closed, natsAccounts: 'operator' };
  expect(renderInstall(accounts)).toContain('kind: operator');
  expect(() => renderInstall({ ...accounts, secretNamespaces: undefined })).toThrow(
    'add --secret-namespaces, --all-secrets or --watch-namespaces',
  );
  expect(() => renderInstall({ ...closed, natsSecret: ['A_b'] })).not.toThrow('--pod-nats-secret');
  expect(() => renderInstall({ ...closed, podNatsSecret: ['A_b'] })).toThrow('--pod-nats-secret must be');
  const wrong = { ...closed, temporalAddress: 'temporal', natsSecret: ['A_b'], priorityClass: 'A_b', replicas: 0 };
  expect(() => renderInstall(wrong)).toThrow(
    expect.objectContaining({
      status: 64,
      message: expect.stringMatching(
        /^--temporal-address must (.|\n)*^--nats-secret must (.|\n)*^--priority-class must /m,
      ),
    }),
  );
});

test.each([
  ['no namespace', {}, []],
  ['each named namespace', { secretNamespaces: ['orders'] }, ['RoleBinding orders']],
  ['the cluster, when asked to', { secretNamespaces: 'all' as const }, ['ClusterRoleBinding undefined']],
])('kflow install lets the controller manage Secrets in %s', (_where, more, expected) => {
  const { objects } = synthesize({ ...servers, access: { kind: 'tokens', secret: 'kflow-tokens' }, ...more });
  const role = objects.find(
    ({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === 'kflow-controller-kflow',
  );
  expect(JSON.stringify(role)).not.toContain('secrets');
  const bindings = objects.filter(
    ({ metadata, kind }) => kind.endsWith('Binding') && metadata.name.startsWith('kflow-flow-secrets'),
  );
  expect(bindings.map(({ kind, metadata }) => `${kind} ${metadata.namespace}`)).toEqual(expected);
});

test('applying a second installation to a cluster takes no rights from the first', () => {
  const bindings = ['one', 'other'].map((namespace) => {
    const access = { kind: 'tokens', secret: 'kflow-tokens' } as const;
    const { objects } = synthesize({ ...servers, namespace, access, secretNamespaces: 'all' });
    return objects.filter(({ kind }) => kind === 'ClusterRoleBinding').map(({ metadata }) => metadata.name);
  });
  expect(bindings.map(({ length }) => length)).toEqual([2, 2]);
  expect(new Set(bindings.flat()).size).toBe(4);
});
