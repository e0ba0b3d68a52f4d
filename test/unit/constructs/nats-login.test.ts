import { parse } from 'yaml';
import { ControllerInstall } from '../../../lib/constructs/controller/controller-install';
import { Flow } from '../../../lib/constructs/flow';
import { FlowApp } from '../../../lib/constructs/flow-app';
import type { Manifest } from '../../../lib/constructs/manifest';

const document = {
  jobId: 'words',
  namespace: 'orders',
  dag: [
    {
      id: 'list',
      type: 'fs-source',
      format: 'list',
      addr: 'http://s3:9000',
      topics: 's3a://texts',
      secret: 's3',
      out: ['map'],
    },
    { id: 'map', type: 'raw', meta: { name: 'f', code: 'def f(ctx, e): return e' }, out: ['write'] },
    { id: 'write', type: 's3-sink', addr: 'http://s3:9000', topics: 's3a://results', secret: 's3' },
  ],
};

function rendered(props: object): readonly Manifest[] {
  const app = new FlowApp();
  Flow.fromTopology(app, 'words', document, props);
  return [...app.manifests()].flatMap(([, objects]) => objects);
}

/** The parts of a manifest that this test reads. */
interface Pod {
  readonly containers: readonly {
    readonly env: readonly { readonly name: string; readonly value?: string }[];
    readonly volumeMounts: readonly object[];
  }[];
  readonly volumes: readonly object[];
}

function podsOf(objects: readonly Manifest[]): readonly Pod[] {
  return objects.flatMap(({ spec }) => {
    const template = (spec as { template?: { spec: Pod } } | undefined)?.template;
    return template === undefined ? [] : [template.spec];
  });
}

test('Secrets are one folder of each pod, and the environment has its name only', () => {
  const pods = podsOf(
    rendered({ natsUrl: 'tls://nats:4222', natsSecrets: ['nats-user', 'nats-ca'], natsDomain: 'hub' }),
  );
  expect(pods).toHaveLength(3);
  for (const { containers, volumes } of pods) {
    const env = containers[0]?.env.filter(({ name }) => name.startsWith('KFLOW_NATS'));
    expect(env).toEqual([
      { name: 'KFLOW_NATS_URL', value: 'tls://nats:4222' },
      { name: 'KFLOW_NATS_CREDENTIALS', value: '/etc/kflow/nats' },
      { name: 'KFLOW_NATS_DOMAIN', value: 'hub' },
    ]);
    expect(containers[0]?.volumeMounts).toContainEqual({ name: 'nats', mountPath: '/etc/kflow/nats', readOnly: true });
    const sources = [{ secret: { name: 'nats-user' } }, { secret: { name: 'nats-ca' } }];
    expect(volumes).toContainEqual({ name: 'nats', projected: { sources } });
  }
});

test('without Secrets nothing is mounted', () => {
  const text = JSON.stringify(podsOf(rendered({})));
  expect(text).not.toMatch(/KFLOW_NATS_(CREDENTIALS|DOMAIN)|"nats"/);
});

test("NACK's objects name the account, which is left out by default", () => {
  const accounts = (props: object) =>
    rendered(props)
      .filter(({ kind }) => ['Stream', 'Consumer', 'KeyValue'].includes(String(kind)))
      .map(({ kind, spec }) => [kind, (spec as { account?: string }).account]);
  const kinds = accounts({}).map(([kind]) => kind);
  expect(new Set(kinds)).toEqual(new Set(['Stream', 'Consumer', 'KeyValue']));
  expect(accounts({ nackAccount: 'orders' })).toEqual(kinds.map((kind) => [kind, 'orders']));
  expect(accounts({})).toEqual(kinds.map((kind) => [kind, undefined]));
});

describe('a controller', () => {
  const servers = { natsUrl: 'tls://nats:4222', temporalAddress: 'temporal:7233' };
  const access = { kind: 'tokens', secret: 'tokens' } as const;

  function installed(props: object) {
    const app = new FlowApp();
    new ControllerInstall(app, 'kflow', { ...servers, access, ...props });
    const objects = [...app.manifests().values()].flat();
    const { data } = objects.find(({ kind }) => kind === 'ConfigMap') as unknown as {
      readonly data: { readonly [name: string]: string };
    };
    return { settings: parse(String(data['controller.yaml'])), pod: podsOf(objects)[0] };
  }

  test('mounts its Secrets, and gives flows Secrets of the same names', () => {
    const { settings, pod } = installed({ natsSecrets: ['login', 'ca'], natsDomain: 'hub' });
    expect(settings.nats).toEqual({ url: 'tls://nats:4222', credentials: '/etc/kflow/nats', domain: 'hub' });
    expect(settings.pods.natsSecrets).toEqual(['login', 'ca']);
    const sources = [{ secret: { name: 'login' } }, { secret: { name: 'ca' } }];
    expect(pod?.volumes).toContainEqual({ name: 'nats', projected: { sources } });
    expect(pod?.containers[0]?.volumeMounts).toContainEqual({
      name: 'nats',
      mountPath: '/etc/kflow/nats',
      readOnly: true,
    });
  });

  test('gives flows other Secrets than its own', () => {
    const { settings } = installed({ natsSecrets: ['admin'], podNatsSecrets: ['flow'] });
    expect(settings.pods.natsSecrets).toEqual(['flow']);
  });

  test('mounts nothing without Secrets', () => {
    const { settings, pod } = installed({});
    expect(settings.nats).toEqual({ url: 'tls://nats:4222' });
    expect(settings.pods.natsSecrets).toBeUndefined();
    expect(JSON.stringify(pod)).not.toContain('"nats"');
  });
});

test.each([
  [{ natsUrl: 'nats://me:hunter2@nats:4222' }, 'natsUrl: contains a user, password or token'],
  [{ natsUrl: 'http://nats:4222' }, 'natsUrl: want nats://host:4222 or tls://host:4222'],
  [{ natsDomain: 'a.b' }, 'natsDomain: want one word'],
])('%p is a fault of the synthesis', (props, text) => {
  expect(() => rendered(props)).toThrow(text);
  expect(() => rendered(props)).not.toThrow(/hunter2/);
});
