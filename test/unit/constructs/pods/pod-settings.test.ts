import { Testing } from 'cdk8s';
import { Flow, type FlowProps } from '../../../../lib/constructs/flow';
import { FlowApp } from '../../../../lib/constructs/flow-app';
import { formatProblem } from '../../../../lib/topology/problem/problem';
import { readTopology } from '../../../../lib/topology/read-topology';

// biome-ignore lint/suspicious/noExplicitAny: the fields depend on the kind
type Manifest = any;

interface Parts {
  readonly flow?: object;
  readonly map?: object;
  readonly meta?: object;
}

function documentOf({ flow, map, meta }: Parts): string {
  return JSON.stringify({
    jobId: 'job',
    globalConfig: { container: flow },
    dag: [
      { id: 'list', type: 'fs-source', format: 'list', addr: 's3:1', topics: 's3a://inbox', out: ['map'] },
      {
        id: 'map',
        type: 'raw',
        meta: { name: 'f', code: 'def f(ctx, e): return e', container: meta },
        globalConfig: { container: map },
      },
    ],
  });
}

function templatesOf(parts: Parts, props: FlowProps = {}): { readonly list: Manifest; readonly map: Manifest } {
  const objects: readonly Manifest[] = Testing.synth(
    Flow.fromTopology(new FlowApp(), 'flow', documentOf(parts), props),
  );
  const of = (id: string) =>
    objects.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === `job--${id}`).spec.template;
  return { list: of('list'), map: of('map') };
}

const problemsOf = (parts: Parts) =>
  readTopology(documentOf(parts), { file: 'f', defaultJobId: 'f', purpose: 'manifests' }).problems.map((problem) =>
    formatProblem(problem).replace(/^\S+ +/, ''),
  );

describe('globalConfig.container', () => {
  test('applies to the pods of all functions, and meta.container of a function to its own', () => {
    const { list, map } = templatesOf({
      flow: { imagePullSecrets: ['registry'], priorityClassName: 'low', nodeSelector: { zone: 'a' } },
      meta: { imagePullSecrets: ['registry', 'own'], priorityClassName: 'high', nodeSelector: { disk: 'ssd' } },
    });
    expect(list.spec).toMatchObject({
      imagePullSecrets: [{ name: 'registry' }],
      priorityClassName: 'low',
      nodeSelector: { zone: 'a' },
    });
    expect(map.spec).toMatchObject({
      imagePullSecrets: [{ name: 'registry' }, { name: 'own' }],
      priorityClassName: 'high',
      nodeSelector: { zone: 'a', disk: 'ssd' },
    });
  });

  test('is overridden by globalConfig.container of a function, and that by its meta.container, name by name', () => {
    const { map } = templatesOf({
      flow: {
        env: [
          { name: 'A', value: 'flow' },
          { name: 'B', value: 'flow' },
          { name: 'C', value: 'flow' },
        ],
        resources: { limits: { memory: '2Gi', cpu: '1' } },
      },
      map: { env: [{ name: 'B', value: 'function' }], resources: { limits: { cpu: '2' } } },
      meta: { env: [{ name: 'C', value: 'meta' }] },
    });
    const [{ env, resources }] = map.spec.containers;
    const own = env.filter(({ name }: { name: string }) => /^[ABC]$/.test(name));
    expect(own).toEqual([
      { name: 'A', value: 'flow' },
      { name: 'B', value: 'function' },
      { name: 'C', value: 'meta' },
    ]);
    expect(resources.limits).toEqual({ memory: '2Gi', cpu: '2' });
  });

  test('hides its secrets in a Secret of each function', () => {
    const { map } = templatesOf({ flow: { env: [{ name: 'DB_PASSWORD', value: 'sesame' }] } });
    expect(map.spec.containers[0].env).toContainEqual({
      name: 'DB_PASSWORD',
      valueFrom: { secretKeyRef: { name: 'job--map--env', key: 'DB_PASSWORD' } },
    });
    expect(JSON.stringify(map)).not.toContain('sesame');
  });
});

test('labels have any name, also that of a setting', () => {
  const matchLabels = { operator: 'blue', topologyKey: 'a_b', matchLabels: 'x', nodeSelectorTerms: 'y', key: 'z' };
  const term = { topologyKey: 'zone', labelSelector: { matchLabels }, namespaceSelector: { matchLabels } };
  const affinity = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
  const constraint = { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' as const };
  const { map } = templatesOf({
    meta: {
      affinity,
      topologySpreadConstraints: [{ ...constraint, labelSelector: { matchLabels } }],
      nodeSelector: matchLabels,
      podLabels: matchLabels,
      podAnnotations: matchLabels,
    },
  });
  expect(map.spec.affinity).toEqual(affinity);
  expect(map.metadata.labels).toMatchObject(matchLabels);
});

test('a pod has every part that the document sets', () => {
  const nodeSelectorTerms = [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] }] as const;
  const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } };
  const { map } = templatesOf({
    meta: {
      serviceAccountName: 'reader',
      automountServiceAccountToken: true,
      runtimeClassName: 'gvisor',
      affinity,
      topologySpreadConstraints: [{ maxSkew: 2, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }],
      envFrom: [{ prefix: 'DB_', secretRef: { name: 'db' } }, { configMapRef: { name: 'vars', optional: true } }],
      podLabels: { team: 'blue' },
      podAnnotations: { 'sidecar.istio.io/inject': 'false' },
    },
  });
  expect(map.spec).toMatchObject({
    serviceAccountName: 'reader',
    automountServiceAccountToken: true,
    runtimeClassName: 'gvisor',
    affinity,
    topologySpreadConstraints: [
      {
        maxSkew: 2,
        topologyKey: 'zone',
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: { matchLabels: { 'kflow.io/job': 'job', 'kflow.io/function': 'map' } },
      },
    ],
  });
  expect(map.spec.containers[0].envFrom).toEqual([
    { prefix: 'DB_', secretRef: { name: 'db' } },
    { configMapRef: { name: 'vars', optional: true } },
  ]);
  expect(map.metadata.labels).toMatchObject({ team: 'blue', 'kflow.io/function': 'map' });
  expect(map.metadata.annotations).toEqual({
    'sidecar.istio.io/inject': 'false',
    'kflow.io/spec-hash': expect.stringMatching(/^[0-9a-f]{16}$/),
  });
});

describe('the user of a pod', () => {
  const restricted = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } };

  test.each([
    [undefined, { ...restricted, runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000 }],
    [5000, { ...restricted, runAsUser: 5000, runAsGroup: 5000, fsGroup: 5000 }],
    ['cluster', restricted],
  ])('is, with runAsUser: %s, %j', (runAsUser, expected) => {
    const { list, map } = templatesOf({ flow: runAsUser === undefined ? {} : { runAsUser } });
    expect([list.spec.securityContext, map.spec.securityContext]).toEqual([expected, expected]);
  });
});

describe('imagePullSecrets and imagePullPolicy as props', () => {
  test('apply to all pods, with those of the document', () => {
    const props = { imagePullSecrets: ['platform'], imagePullPolicy: 'Always' };
    const { list, map } = templatesOf({ meta: { imagePullSecrets: ['own', 'platform'] } }, props);
    expect(list.spec.imagePullSecrets).toEqual([{ name: 'platform' }]);
    expect(map.spec.imagePullSecrets).toEqual([{ name: 'platform' }, { name: 'own' }]);
    for (const { spec } of [list, map]) expect(spec.containers[0].imagePullPolicy).toBe('Always');
  });
});

describe('a function that downloads objects', () => {
  const download = { id: 'map', type: 'raw', globalConfig: { store: { autoDownload: true } } };
  const resourcesOf = (container: object) => {
    const document = JSON.parse(documentOf({ meta: container }));
    document.dag[1] = { ...document.dag[1], ...download };
    const objects: readonly Manifest[] = Testing.synth(Flow.fromTopology(new FlowApp(), 'flow', document));
    const workload = objects.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'job--map');
    const { requests, limits } = workload.spec.template.spec.containers[0].resources;
    return [requests['ephemeral-storage'], limits['ephemeral-storage']];
  };
  const emptyTmp = { volumes: [{ name: 'tmp', emptyDir: {} }] };
  const ownMount = {
    volumes: [{ name: 'big', persistentVolumeClaim: { claimName: 'big' } }],
    volumeMounts: [{ name: 'big', mountPath: '/tmp' }],
  };

  test.each<[string, object, unknown]>([
    ['by default', {}, ['1Gi', '10Gi']],
    ['with a larger request', { resources: { requests: { 'ephemeral-storage': '20Gi' } } }, ['20Gi', '20Gi']],
    ['with a smaller limit', { resources: { limits: { 'ephemeral-storage': '500Mi' } } }, ['500Mi', '500Mi']],
    ['with a volume for /tmp', emptyTmp, [undefined, undefined]],
    ['with a mount at /tmp', ownMount, [undefined, undefined]],
    [
      'with a mount at /tmp/',
      { ...ownMount, volumeMounts: [{ name: 'big', mountPath: '/tmp/' }] },
      [undefined, undefined],
    ],
  ])('reserves disk %s', (_title, container, expected) => {
    expect(resourcesOf(container)).toEqual(expected);
  });
});

test('a path that is written in several ways is mounted once', () => {
  const volumes = ['outer', 'inner'].map((name) => ({ name, emptyDir: {} }));
  const at = (name: string, ...paths: readonly string[]) => paths.map((mountPath) => ({ name, mountPath }));
  const { map } = templatesOf({
    flow: { volumes, volumeMounts: at('outer', '/data/', '/logs') },
    meta: { volumeMounts: at('inner', '/data', '/tmp/', '/a//b/./c/') },
  });
  const mounts: readonly Manifest[] = map.spec.containers[0].volumeMounts;
  expect(mounts.map(({ name, mountPath }) => `${name} ${mountPath}`)).toEqual([
    'spec /etc/kflow',
    'outer /logs',
    'inner /data',
    'inner /tmp',
    'inner /a/b/c',
  ]);
});

describe('refused before a cluster would', () => {
  test('rules of an affinity', () => {
    const required = 'requiredDuringSchedulingIgnoredDuringExecution';
    const preferred = 'preferredDuringSchedulingIgnoredDuringExecution';
    const term = (...matchExpressions: readonly object[]) => ({ matchExpressions });
    const affinity = {
      nodeAffinity: {
        [required]: {
          nodeSelectorTerms: [
            term({ key: 'a b', operator: 'In', values: ['x'] }, { key: 'zone', operator: 'In' }),
            term({ key: 'zone', operator: 'Exists', values: ['x'] }, { key: 'cpus', operator: 'Gt', values: ['many'] }),
            { matchExpression: [] },
            {
              matchFields: [
                { key: 'metadata.name', operator: 'In', values: [`${'long-'.repeat(20)}name.example.org`] },
              ],
            },
          ],
        },
        [preferred]: [{ weight: 101, preference: term({ key: 'zone', operator: 'Equals', values: ['x'] }) }],
      },
      podAffinity: { [required]: [{ labelSelector: { matchLabels: { team: 'blue team' } } }] },
      podAntiAffinity: { [required]: {}, [preferred]: [{ weight: 1, podAffinityTerm: { topologyKey: 'a b' } }] },
    };
    expect(
      problemsOf({ meta: { affinity } }).map((line) => line.replace('dag[1].meta.container.affinity.', '')),
    ).toEqual([
      `nodeAffinity.${required}.nodeSelectorTerms[0].matchExpressions[0].key  is not a valid Kubernetes label: "a b"`,
      `nodeAffinity.${required}.nodeSelectorTerms[0].matchExpressions[1]  the operator In needs values`,
      `nodeAffinity.${required}.nodeSelectorTerms[1].matchExpressions[0].values  the operator Exists takes no values; remove them`,
      `nodeAffinity.${required}.nodeSelectorTerms[1].matchExpressions[1]  the operator Gt needs one integer`,
      `nodeAffinity.${required}.nodeSelectorTerms[2].matchExpression  unknown key "matchExpression"; did you mean "matchExpressions"?`,
      `nodeAffinity.${preferred}[0].weight  must be a weight, 1 to 100, got 101`,
      `nodeAffinity.${preferred}[0].preference.matchExpressions[0].operator  must be one of In, NotIn, Exists, DoesNotExist, Gt, Lt, got "Equals"`,
      `podAffinity.${required}[0]  the key "topologyKey" is missing; it must be text`,
      `podAffinity.${required}[0].labelSelector.matchLabels.team  is not a valid Kubernetes label: "blue team"`,
      `podAntiAffinity.${required}  must be a list, got an empty map`,
      `podAntiAffinity.${preferred}[0].podAffinityTerm.topologyKey  must be a label of nodes, as in topology.kubernetes.io/zone, got "a b"`,
    ]);
  });

  test('passwords in the driver of a volume, but not names of Secrets', () => {
    const csi = {
      driver: 'smb.csi.k8s.io',
      volumeAttributes: { source: '//nas/share', password: 'planted' },
      nodePublishSecretRef: { name: 'nas' },
    };
    const volumes = [
      { name: 'share', csi },
      { name: 'keys', secret: { secretName: 'keys', items: [{ key: 'password', path: 'token' }] } },
      { name: 'all', projected: { sources: [{ secret: { name: 'a' } }, { serviceAccountToken: { path: 'token' } }] } },
    ];
    expect(problemsOf({ meta: { volumes } })).toEqual([
      'dag[1].meta.container.volumes[0].csi.volumeAttributes.password  "password" looks like a secret and would be stored as plain text; name a Secret in the way of this kind of volume',
    ]);
  });

  test('names, labels and annotations', () => {
    const meta = {
      imagePullSecrets: ['Registry'],
      serviceAccountName: 'a_b',
      priorityClassName: 'x y',
      runtimeClassName: '-',
      envFrom: [
        { prefix: 'a b', secretRef: { name: 'A' } },
        {},
        { secretRef: { name: 'a' }, configMapRef: { name: 'a' } },
      ],
      podLabels: { 'kflow.io/job': 'x', 'a b': 'x', team: 'blue team', 'x/y/z': 'v' },
      podAnnotations: { 'kflow.io/spec-hash': 'x', 'a b': 'x' },
      runAsUser: 0,
    };
    expect(problemsOf({ meta })).toEqual([
      'dag[1].meta.container.imagePullSecrets[0]  must be the name of an object: lower-case letters, digits, dashes and dots; got "Registry"',
      'dag[1].meta.container.serviceAccountName  must be the name of an object: lower-case letters, digits, dashes and dots; got "a_b"',
      'dag[1].meta.container.priorityClassName  must be the name of an object: lower-case letters, digits, dashes and dots; got "x y"',
      'dag[1].meta.container.runtimeClassName  must be the name of an object: lower-case letters, digits, dashes and dots; got "-"',
      'dag[1].meta.container.envFrom[0].prefix  must be letters, digits, underscores, dots and dashes, got "a b"',
      'dag[1].meta.container.envFrom[0].secretRef.name  must be the name of an object: lower-case letters, digits, dashes and dots; got "A"',
      'dag[1].meta.container.envFrom[1]  must have one of configMapRef and secretRef',
      'dag[1].meta.container.envFrom[2]  must have one of configMapRef and secretRef',
      'dag[1].meta.container.podLabels.kflow.io/job  "kflow.io/job" is set by KFlow; choose another label',
      'dag[1].meta.container.podLabels.a b  is not a valid Kubernetes label: "a b"',
      'dag[1].meta.container.podLabels.team  is not a valid Kubernetes label: "blue team"',
      'dag[1].meta.container.podLabels.x/y/z  is not a valid Kubernetes label: "x/y/z"',
      'dag[1].meta.container.podAnnotations.kflow.io/spec-hash  "kflow.io/spec-hash" is set by KFlow; choose another annotation',
      'dag[1].meta.container.podAnnotations.a b  is not a valid annotation: "a b"',
      'dag[1].meta.container.runAsUser  must be a uid above 0, or cluster, got 0',
    ]);
  });

  test('settings of a function that contradict those of the flow', () => {
    const flow = {
      resources: { requests: { cpu: '2' }, limits: { memory: '2Gi' } },
      volumes: [{ name: 'shared', emptyDir: {} }],
    };
    const meta = {
      resources: { requests: { memory: '4Gi' }, limits: { cpu: '1' } },
      volumeMounts: [
        { name: 'shared', mountPath: '/shared' },
        { name: 'none', mountPath: '/none' },
      ],
    };
    expect(problemsOf({ flow, meta })).toEqual([
      'dag[1].meta.container.resources.requests.memory  4Gi is more than the limit of 2Gi',
      'dag[1].meta.container.resources.limits.cpu  1 is less than the request of 2',
      'dag[1].meta.container.volumeMounts[1].name  there is no volume "none"; known here: spec, tmp, shared',
    ]);
  });

  test('a password in an annotation or in a sidecar of the flow', () => {
    const flow = {
      podAnnotations: { db: 'postgres://me:sesame@db/x' },
      sidecars: [{ name: 'proxy', image: 'proxy:1', env: [{ name: 'DB_PASSWORD', value: 'sesame' }] }],
    };
    const problems = problemsOf({ flow });
    expect(problems).toEqual([
      expect.stringMatching(/^globalConfig.container.podAnnotations.db .*must not contain a user and password/),
      expect.stringMatching(/^globalConfig.container.sidecars\[0\].env\[0\].value .*looks like a secret/),
    ]);
    expect(problems.join()).not.toContain('sesame');
  });
});

describe('the heap of Node', () => {
  const optionsOf = (meta: object) =>
    templatesOf({ meta }).map.spec.containers[0].env.filter(({ name }: Manifest) => name === 'NODE_OPTIONS');

  test.each([
    ['the default limit', {}, 512],
    ['2Gi', { limits: { memory: '2Gi' } }, 1024],
    ['1.5G', { limits: { memory: '1.5G' } }, 715],
    ['a request above the default limit', { requests: { memory: '3Gi' } }, 1536],
    ['a limit that is too small', { limits: { memory: '100Mi' } }, 64],
  ])('has half of the memory limit: %s', (_, resources, mebibytes) => {
    const value = `--max-old-space-size=${mebibytes}`;
    expect(optionsOf({ resources })).toEqual([{ name: 'NODE_OPTIONS', value }]);
  });

  test('is as the document says', () => {
    const own = { name: 'NODE_OPTIONS', value: '--max-old-space-size=900' };
    expect(optionsOf({ env: [own] })).toEqual([own]);
  });
});
