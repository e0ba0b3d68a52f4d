import { App } from 'cdk8s';
import { ControllerInstall } from '../../../lib/constructs/controller/controller-install';
import type { ControllerInstallProps } from '../../../lib/constructs/controller/controller-install-props';
import { Flow, type FlowProps } from '../../../lib/constructs/flow';
import { FlowApp } from '../../../lib/constructs/flow-app';
import { FlowNamespace } from '../../../lib/constructs/flow-namespace';
import { NackAccount } from '../../../lib/constructs/streams/nack-account';

const document = {
  jobId: 'words',
  dag: [
    {
      id: 'list',
      type: 'fs-source',
      format: 'list',
      addr: 's3:9000',
      topics: 's3a://inbox',
      secret: 's3',
      out: ['map'],
    },
    { id: 'map', type: 'raw', meta: { name: 'f', code: 'def f(ctx, e): return e' } },
  ],
};

function synthesize(props: FlowProps): void {
  const app = new FlowApp();
  Flow.fromTopology(app, 'words', document, props);
  app.texts();
}

const install = {
  access: { kind: 'tokens', secret: 'tokens' },
  natsUrl: 'nats://nats.nats.svc:4222',
  temporalAddress: 'temporal.temporal.svc:7233',
} as const;
const sha = 'a'.repeat(64);

test.each<[FlowProps, RegExp]>([
  [{ imagePullSecrets: ['Registry'] }, /imagePullSecrets must be the name of an object.*; got "Registry"/],
  [{ natsSecrets: ['nats', ''] }, /natsSecrets must be the name of an object.*; got ""/],
  [{ nackAccount: 'a_b' }, /nackAccount must be the name of an object.*; got "a_b"/],
  [{ serviceAccount: 'a/b' }, /serviceAccount must be the name of an object.*; got "a\/b"/],
  [{ imagePullPolicy: 'always' }, /imagePullPolicy must be one of Always, IfNotPresent, Never; got "always"/],
  [{ ttlSecondsAfterFinished: -1 }, /ttlSecondsAfterFinished must be a whole number of seconds.*; got -1/],
  [{ ttlSecondsAfterFinished: 1.5 }, /ttlSecondsAfterFinished must be a whole number/],
  [{ image: '' }, /image must be as registry.example.org\/name:version, got ""/],
  [{ image: 'r/k 1' }, /image must be as/],
  [{ image: 'KFlow:1' }, /image must be as/],
  [{ image: `r/k@sha256:zz` }, /image must be as/],
  [{ image: 'me:hunter2@r.example.org/k:1' }, /image contains a user and password/],
  [{ labels: { 'kflow.io/function': 'x' } }, /labels: "kflow.io\/function" is set by KFlow; use another label/],
  [{ labels: { 'app.kubernetes.io/name': 'x' } }, /labels: "app.kubernetes.io\/name" is set by KFlow/],
  [{ labels: { cost: 4711 as unknown as string } }, /labels: not a valid Kubernetes label: "cost: 4711"/],
])('a flow with the props %j is refused', (props, message) => {
  expect(() => synthesize(props)).toThrow(message);
  expect(() => synthesize(props)).not.toThrow(/hunter2/);
});

test.each<[FlowProps]>([
  [{ image: `r.example.org:5000/k:1@sha256:${sha}` }],
  [{ image: `kflow:1@sha256:${sha}` }],
  [{ image: '[fd00::1]:5000/team/kflow:1.2-rc_1' }],
  [{ image: 'Registry.example.org/team/kflow' }],
  [{ ttlSecondsAfterFinished: 0 }],
])('a flow with the props %j is rendered', (props) => {
  expect(() => synthesize(props)).not.toThrow();
});

test.each<[Partial<ControllerInstallProps>, RegExp]>([
  [{ namespace: '' }, /namespace must be at most 63.*; got ""/],
  [{ watchNamespaces: ['orders', 'A_b'] }, /watchNamespaces must be at most 63.*; got "A_b"/],
  [{ secretNamespaces: ['a.b'] }, /secretNamespaces must be at most 63.*; got "a.b"/],
  [{ natsSecrets: ['A_b'] }, /natsSecrets must be the name of an object/],
  [{ podNatsSecrets: ['A_b'] }, /podNatsSecrets must be the name of an object/],
  [{ imagePullSecrets: ['A_b'] }, /imagePullSecrets must be the name of an object/],
  [{ settingsSecret: 'A_b' }, /settingsSecret must be the name of an object/],
  [{ tlsSecret: 'a/b' }, /tlsSecret must be the name of an object/],
  [{ keySecret: 'A_b' }, /keySecret must be the name of an object/],
  [{ priorityClassName: 'A_b' }, /priorityClassName must be the name of an object/],
  [{ access: { kind: 'tokens', secret: 'A_b' } }, /access.secret must be the name of an object/],
  [{ taskQueue: '' }, /taskQueue must be letters/],
  [{ taskQueue: 'a b' }, /taskQueue must be letters.*; got "a b"/],
  [{ temporalAddress: 'temporal' }, /temporalAddress must be host:port, got "temporal"/],
  [{ temporalAddress: 'temporal:0' }, /temporalAddress must be host:port/],
  [{ temporalAddress: 'temporal:70000' }, /temporalAddress must be host:port/],
  [{ temporalAddress: 'https://temporal:7233' }, /temporalAddress must be host:port/],
  [{ temporalAddress: 'me:hunter2@temporal:7233' }, /temporalAddress contains a user and password/],
  [{ egress: ['me:hunter2@s3:9000'] }, /egress contains a user and password/],
  [{ natsUrl: 'nats://me:hunter2@nats:4222' }, /natsUrl: contains a user, password or token/],
  [{ natsDomain: 'a.b' }, /natsDomain: want one word/],
  [{ watchNamespaces: [] }, /watchNamespaces must name a namespace/],
  [{ watchNamespaces: ['a'], secretNamespaces: ['b'] }, /secretNamespaces has no effect/],
  [{ watchNamespaces: ['a'], secretNamespaces: 'all' }, /secretNamespaces has no effect/],
  [
    { natsAccounts: 'operator' },
    /natsAccounts "operator":.*; add secretNamespaces, secretNamespaces "all" or watchNamespaces/,
  ],
  [{ natsAccounts: 'config', secretNamespaces: [] }, /natsAccounts "config"/],
  [{ replicas: 0 }, /replicas must be a whole number above 0; got 0/],
  [{ access: { kind: 'oidc', issuer: 'https://id.example.org', audience: '' } }, /access.audience must not be empty/],
  [{ image: '' }, /image must be as/],
  [{ egress: ['s3.example.org'] }, /egress must be host:port, got "s3.example.org"/],
  [{ egress: ['10.0.0.0/8:443'] }, /egress must be host:port/],
  [{ egress: ['s3.prod.svc:0'] }, /egress must be host:port/],
  [{ access: { kind: 'oidc', issuer: 'id.example.org', audience: 'kflow' } }, /access.issuer must be a URL/],
  [
    { access: { kind: 'oidc', issuer: 'https://me:hunter2@id.example.org', audience: 'kflow' } },
    /access.issuer contains a user and password/,
  ],
])('a controller with the props %j is refused', (props, message) => {
  const make = () => new ControllerInstall(new App(), 'kflow', { ...install, ...props });
  expect(make).toThrow(message);
  expect(make).not.toThrow(/hunter2/);
});

test('everything that is wrong with a controller is said at once', () => {
  const props = { ...install, natsUrl: 'nats://a@b', temporalAddress: 'temporal', taskQueue: 'a b', image: '' };
  const make = () => new ControllerInstall(new App(), 'kflow', props);
  expect(make).toThrow(/natsUrl(.|\n)*temporalAddress(.|\n)*image(.|\n)*taskQueue/);
  expect(make).toThrow(expect.objectContaining({ code: 'secret-exposed' }));
});

test('a controller may reach object stores by host and port, and by URL', () => {
  const egress = ['s3.prod.svc:9000', 'https://s3.example.org', '[fd00::1]:443'];
  expect(() => new ControllerInstall(new App(), 'kflow', { ...install, egress })).not.toThrow();
});

test.each([
  [{ namespace: 'A_b' }, /namespace must be at most 63/],
  [{ name: 'a b' }, /name must be the name of an object/],
  [{ secret: 'a/b' }, /secret must be the name of an object/],
  [{ servers: ['nats://a:4222', 'nats://me:hunter2@b'] }, /servers: contains a user, password or token/],
  [{ servers: [] }, /servers: want nats:/],
])('an Account of NACK with the props %j is refused', (props, message) => {
  const account = { name: 'nats', namespace: 'orders', servers: ['nats://nats:4222'], secret: 'nats', ...props };
  const make = () => new NackAccount(new App(), 'account', account);
  expect(make).toThrow(message);
  expect(make).not.toThrow(/hunter2/);
});

test('a namespace of flows with a name that Kubernetes refuses is refused', () => {
  expect(() => new FlowNamespace(new App(), 'a', { name: 'A_b' })).toThrow(/name must be at most 63.*; got "A_b"/);
});
