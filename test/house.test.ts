import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const base = ['lib/errors', 'lib/plain-map'];
/** Parts of the CLI that every command may import. */
const cliParts = ['runtime/cli/frame', 'runtime/cli/render', 'runtime/cli/terminal'];
const ports = [
  'runtime/api-contract/flow-key',
  'runtime/api-contract/flow-phase',
  'runtime/controller/ports',
  'runtime/controller/flows/ports',
];

const executionPorts = ['runtime/api-contract', 'runtime/controller/executions/ports'];

/** Path prefixes that each part of the source tree may import. A part may always import its own files. */
const rules: { readonly [part: string]: readonly string[] } = {
  'lib/errors.ts': [],
  'lib/plain-map.ts': [],
  'lib/json-text.ts': ['lib/plain-map'],
  'lib/counted.ts': [],
  'lib/random.ts': [],
  'lib/duration.ts': [],
  'lib/topology/problem': [...base],
  'lib/topology/avro': [...base, 'lib/topology/problem'],
  'lib/topology/function-types': [...base, 'lib/topology/problem', 'lib/topology/avro'],
  'lib/topology/document': [...base, 'lib/topology/problem', 'lib/topology/avro', 'lib/topology/function-types'],
  'lib/topology/read': [...base, 'lib/topology/avro', 'lib/topology/problem', 'lib/topology/document'],
  'lib/topology/check': [...base, 'lib/topology'],
  'lib/topology/secrets': [...base, 'lib/topology/problem', 'lib/topology/read', 'lib/topology/check'],
  'lib/topology/update': [...base, 'lib/topology/problem', 'lib/topology/document'],
  'lib/topology': [...base],
  'lib/tasks/guards': ['lib/plain-map'],
  // graph and advance are part of workflow code: nothing but plain TypeScript
  'lib/tasks/graph': [],
  'lib/tasks/language': [...base, 'lib/topology/read'],
  'lib/tasks/document': [
    ...base,
    'lib/duration',
    'lib/tasks/format',
    'lib/tasks/graph',
    'lib/tasks/language',
    'lib/topology/check/check-shape',
    'lib/topology/document',
    'lib/topology/problem',
    'lib/topology/read',
  ],
  'lib/tasks/compile': [...base, 'lib/tasks', 'lib/topology/document/document-field', 'lib/topology/problem'],
  'lib/tasks/format': ['lib/tasks/language'],
  'lib/tasks/advance': [...base, 'lib/tasks/graph', 'lib/tasks/guards'],
  'lib/tasks': [...base, 'lib/duration', 'lib/topology'],
  'lib/revisions/wiring': ['lib/revisions'],
  'lib/revisions': [...base, 'lib/topology'],
  'lib/define': [...base, 'lib/tasks', 'lib/topology'],
  'lib/plan': [...base, 'lib/topology'],
  'lib/constructs/streams': [
    'imports',
    'lib/constructs/metadata',
    'lib/constructs/settings-faults',
    'lib/errors',
    'lib/plan',
  ],
  'lib/constructs/pods': ['lib/constructs/metadata', 'lib/plan', 'lib/topology/document'],
  'lib/constructs/workloads': [
    'lib/constructs/manifest',
    'lib/constructs/metadata',
    'lib/constructs/pods',
    'lib/constructs/require-resources',
    'lib/define/cdk8s-values',
    'lib/plan',
    'lib/topology/document',
  ],
  'lib/constructs/controller': [
    ...base,
    'lib/constructs/manifest',
    'lib/constructs/metadata',
    'lib/constructs/pods',
    'lib/constructs/require-resources',
    'lib/constructs/settings-faults',
    'lib/define/cdk8s-values',
    'lib/plan',
    'lib/topology/check/check-addresses',
    'lib/topology/document/image',
    'lib/topology/problem',
  ],
  'lib/constructs': [...base, 'lib/define', 'lib/plan', 'lib/tasks/worker', 'lib/topology', 'imports'],
  'runtime/async': [],
  'runtime/installation': ['lib/errors'],
  'runtime/avro': ['lib/errors', 'lib/topology/avro'],
  'runtime/engine/letters': ['lib/errors', 'lib/plan', 'runtime/engine'],
  'runtime/engine/ports': [
    'lib/errors',
    'lib/plan',
    'lib/topology/avro',
    'runtime/engine/counters',
    'runtime/engine/letters/letter-history',
    'runtime/engine/trace',
  ],
  'runtime/engine': ['lib/counted', 'runtime/async', 'runtime/avro', 'lib/errors', 'lib/plan', 'lib/topology'],
  'runtime/hosts': [
    'lib/define/program',
    'lib/define/sdk',
    'lib/errors',
    'lib/json-text',
    'lib/plan',
    'lib/topology/document/language',
    'lib/topology/function-types',
    'runtime/engine',
    'runtime/package-root',
  ],
  'runtime/connectors': [
    'lib/counted',
    'runtime/async',
    'runtime/avro',
    'lib/errors',
    'lib/plan',
    'lib/topology',
    'runtime/engine',
  ],
  'runtime/steps': [
    'lib/errors',
    'lib/plan',
    'lib/topology/avro',
    'runtime/api-contract',
    'runtime/async',
    'runtime/connectors/connector',
    'runtime/engine',
  ],
  'runtime/worker': [
    'lib/errors',
    'lib/json-text',
    'lib/plain-map',
    'lib/plan',
    'lib/topology/document/language',
    'runtime/api-contract/task-error-code',
    'runtime/api-contract/task-events',
    'runtime/api-contract/task-message',
    'runtime/engine',
  ],
  'runtime/replica': [
    'lib',
    'runtime/worker',
    'runtime/engine',
    'runtime/steps',
    'runtime/hosts',
    'runtime/adapters',
    'runtime/connectors',
    'runtime/async',
    'runtime/log',
    'runtime/package-root',
  ],
  'runtime/operations': [
    'lib/errors',
    'lib/json-text',
    'lib/plan/nats-access',
    'lib/plan/replica-lifecycle',
    'lib/tasks/guards',
    'runtime/adapters/jetstream/access/connect-nats',
    'runtime/adapters/jetstream/operations',
    'runtime/adapters/jetstream/tasks/open-task-links',
    'runtime/adapters/opentelemetry',
    'runtime/api-contract/task-error-code',
    'runtime/api-contract/task-message',
    'runtime/async',
    'runtime/engine/ports/host',
    'runtime/engine/trace',
    'runtime/log',
    'runtime/worker',
  ],
  'runtime/testing': [
    'lib/errors',
    'lib/plain-map',
    'lib/plan',
    'lib/topology',
    'runtime/adapters/memory',
    'runtime/adapters/s3/object-downloads',
    'runtime/avro',
    'runtime/connectors/registry',
    'runtime/engine',
    'runtime/replica',
  ],
  'runtime/api-contract': [
    'lib/errors',
    'lib/revisions/data-type',
    'lib/revisions/revision-group',
    'lib/tasks/graph/attribute-limits',
  ],
  // independent of flows, so that other kinds of workflow can use these adapters
  'runtime/adapters/temporal': [
    'lib/errors',
    'runtime/api-contract/execution-changes',
    'runtime/api-contract/execution-key',
    'runtime/api-contract/execution-status',
    'runtime/async',
    'runtime/controller/ports',
    'runtime/controller/executions/ports',
    'runtime/package-root',
  ],
  'runtime/adapters': [
    'lib/counted',
    'runtime/async',
    'lib/errors',
    'lib/plain-map',
    'lib/plan',
    'lib/revisions/revision-group',
    'lib/topology/document/dns-label',
    'runtime/api-contract/execution-changes',
    'runtime/api-contract/execution-key',
    'runtime/api-contract/execution-status',
    'runtime/api-contract/flow-key',
    'runtime/api-contract/task-events',
    'runtime/api-contract/task-message',
    'runtime/engine',
    'runtime/worker/ports',
    'runtime/controller/ports',
    'runtime/controller/executions/ports',
    'runtime/controller/flows/ports',
    'runtime/controller/revisions/ports',
    'runtime/installation',
    'runtime/metrics-page',
    'runtime/operations/messages/operation-error',
    'runtime/operations/observe/task-tracer',
    'runtime/operations/transport/transport',
    'runtime/package-root',
  ],
  'runtime/adapters/kubernetes/api': [
    'runtime/async',
    'lib/errors',
    'lib/plan/controller-requirements',
    'runtime/controller/ports/kubernetes-object',
  ],
  'runtime/controller/ports': [
    'lib/errors',
    'lib/plan',
    'runtime/api-contract/flow-key',
    'runtime/engine/claim',
    'runtime/engine/drift',
    'runtime/engine/letters/stored-letter',
    'runtime/steps/step-objects',
  ],
  'runtime/controller/flows/ports': ['lib/errors', 'lib/plan', 'runtime/api-contract', 'runtime/controller/ports'],
  'runtime/controller/flows/workflow': ['lib/errors', ...ports],
  'runtime/controller/flows/documents': ['lib/errors', 'lib/plain-map', 'lib/plan', 'lib/topology', ...ports],
  'runtime/controller/flows/health': [
    'lib/counted',
    'lib/plan',
    'runtime/engine/counters',
    'runtime/engine/drift',
    'runtime/api-contract',
    ...ports,
  ],
  'runtime/controller/flows/activities': [
    'lib/counted',
    'lib/constructs/controlled-flow',
    'lib/errors',
    'lib/plan',
    'lib/topology/document',
    'lib/topology/update',
    'runtime/controller/flows/documents',
    'runtime/controller/flows/health',
    'runtime/controller/flows/workflow',
    ...ports,
  ],
  'runtime/controller/flows/letters': [
    'lib/errors',
    'runtime/api-contract',
    'runtime/engine/letters/stored-letter',
    ...ports,
  ],
  'runtime/controller/flows/service': [
    'lib/counted',
    'runtime/controller/flows/letters',
    'runtime/async',
    'lib/constructs/controlled-flow',
    'lib/errors',
    'lib/plan/flow-plan',
    'lib/topology',
    'runtime/engine/claim',
    'runtime/engine/counters',
    'runtime/api-contract',
    'runtime/controller/flows/activities',
    'runtime/controller/flows/documents',
    'runtime/controller/flows/health',
    'runtime/steps',
    ...ports,
  ],
  'runtime/controller/executions/ports': [
    'lib/tasks/advance',
    'lib/tasks/graph',
    'runtime/api-contract',
    'runtime/controller/flows/ports/flow-service',
  ],
  'runtime/controller/executions/workflow': ['lib/duration', 'lib/tasks', ...executionPorts],
  'runtime/controller/executions/waits': ['lib/plain-map', 'lib/tasks/graph', ...executionPorts],
  'runtime/controller/executions/activities': [
    'lib/errors',
    'lib/plain-map',
    'lib/plan/task-names',
    'lib/tasks/advance',
    'runtime/async',
    'runtime/controller/flows/ports/flow-service',
    'runtime/controller/executions/claimed-values',
    'runtime/controller/executions/task-tokens',
    'runtime/controller/executions/waits',
    'runtime/controller/executions/workflow',
    ...executionPorts,
  ],
  'runtime/controller/executions/service': [
    'lib/errors',
    'lib/plan/task-names',
    'lib/tasks',
    'lib/topology/problem',
    'runtime/async',
    'runtime/controller/executions/claimed-values',
    'runtime/controller/executions/task-tokens',
    'runtime/controller/executions/waits',
    'runtime/controller/flows/ports/flow-service',
    ...executionPorts,
  ],
  'runtime/controller/revisions': [
    'lib/errors',
    'lib/revisions',
    'lib/topology/problem',
    'runtime/api-contract/revisions',
    'runtime/controller/flows/ports/flow-service',
  ],
  'runtime/controller/api/access': ['lib/errors', 'lib/topology/read', 'runtime/log'],
  'runtime/controller/api/http': [
    'lib/errors',
    'lib/topology/avro',
    'lib/topology/document/topology-json-schema',
    'lib/topology/problem',
    'runtime/api-contract',
    'runtime/controller/api/access',
    'runtime/log',
    'runtime/metrics-page',
    'runtime/package-root',
  ],
  'runtime/controller/api/routes': [
    'lib/errors',
    'lib/topology/avro',
    'lib/topology/document/dns-label',
    'lib/topology/read',
    'runtime/api-contract',
    'runtime/controller/api/access',
    'runtime/controller/api/http',
    'runtime/controller/executions/ports',
    'runtime/controller/flows/ports',
    'runtime/controller/revisions/ports',
    'runtime/package-root',
  ],
  'runtime/controller/api/workflows': [
    'lib/errors',
    'lib/tasks/graph',
    'lib/topology/avro',
    'runtime/api-contract',
    'runtime/controller/api/access',
    'runtime/controller/api/http',
    'runtime/controller/api/routes',
    'runtime/controller/executions/ports',
  ],
  'runtime/controller/api': [
    'lib/errors',
    'lib/tasks/graph',
    'lib/topology/avro',
    'lib/topology/document/dns-label',
    'lib/topology/document/topology-json-schema',
    'lib/topology/problem',
    'lib/topology/read',
    'runtime/api-contract',
    'runtime/log',
    'runtime/metrics-page',
    'runtime/package-root',
    'runtime/controller/executions/ports',
    ...ports,
    'runtime/controller/revisions/ports',
  ],
  'runtime/controller/settings': [
    'lib/errors',
    'lib/plan/controller-requirements',
    'lib/plan/nats-access',
    'lib/topology/document/image',
    'lib/topology/problem',
    'lib/topology/read',
    'runtime/controller/api/access',
  ],
  'runtime/controller': [
    'runtime/api-contract',
    'runtime/async',
    'lib',
    'runtime/adapters',
    'runtime/engine/claim',
    'runtime/engine/counters',
    'runtime/engine/drift',
    'runtime/engine/letters/stored-letter',
    'runtime/installation',
    'runtime/log',
    'runtime/metrics-page',
    'runtime/package-root',
    'runtime/steps',
  ],
  'runtime/servers': ['runtime/async', 'lib/errors', 'runtime/adapters', 'runtime/package-root'],
  'runtime/cli/frame': [
    'lib/duration',
    'lib/errors',
    'lib/plan/nats-access',
    'lib/topology/avro/exact-json',
    'lib/topology/document/dns-label',
    'lib/topology/document/image',
    'runtime/package-root',
  ],
  'runtime/cli/client': [
    'lib/errors',
    'lib/topology/avro',
    'runtime/async',
    'runtime/api-contract',
    'runtime/cli/frame',
    'runtime/cli/local-stack',
  ],
  'runtime/cli/local-stack': ['lib/errors'],
  'runtime/cli/render': ['lib/plan/names', 'runtime/api-contract'],
  'runtime/cli/terminal': ['runtime/cli/frame', 'runtime/cli/render'],
  'runtime/cli/documents': [
    'lib',
    'runtime/api-contract',
    'runtime/cli/client/controller-connection',
    'runtime/cli/frame',
    'runtime/hosts/typescript/bundle-module',
    'runtime/hosts/typescript/evaluate-module',
    'runtime/package-root',
  ],
  'runtime/cli/commands/topology': ['lib', ...cliParts, 'runtime/cli/documents'],
  'runtime/cli/commands/manifests': [
    'lib',
    ...cliParts,
    'runtime/cli/documents',
    'runtime/adapters/kubernetes/kubernetes-objects',
  ],
  'runtime/cli/commands/flows': [
    'lib/errors',
    'lib/topology/secrets',
    ...cliParts,
    'runtime/async',
    'runtime/api-contract',
    'runtime/cli/client',
    'runtime/cli/commands/executions/submit-task-flow',
    'runtime/cli/documents',
  ],
  'runtime/cli/commands/executions': [
    'lib/errors',
    ...cliParts,
    'runtime/api-contract',
    'runtime/cli/client',
    'runtime/cli/documents',
  ],
  'runtime/cli/commands/revisions': [
    ...cliParts,
    'runtime/api-contract',
    'runtime/cli/client',
    'runtime/cli/documents',
  ],
  'runtime/cli/commands/test': [
    'lib',
    ...cliParts,
    'runtime/cli/documents',
    'runtime/engine/failures',
    'runtime/testing',
  ],
  'runtime/cli/commands/completion': [...cliParts, 'runtime/api-contract', 'runtime/cli/client'],
  'runtime/cli': ['lib', 'runtime'],
};

/** The npm packages in use, each with the only folders that may import it. A new dependency needs an entry here. */
const packages: { readonly [name: string]: readonly string[] } = {
  '@aws-sdk/client-s3': ['runtime/adapters/s3'],
  '@fastify/swagger': ['runtime/controller/api/http'],
  '@fastify/swagger-ui': ['runtime/controller/api/http'],
  '@kubernetes/client-node': ['runtime/adapters/kubernetes'],
  '@opensearch-project/opensearch': ['runtime/adapters/search'],
  '@opentelemetry/api': ['runtime/adapters/opentelemetry'],
  '@opentelemetry/exporter-trace-otlp-http': ['runtime/adapters/opentelemetry'],
  '@opentelemetry/exporter-trace-otlp-proto': ['runtime/adapters/opentelemetry'],
  '@opentelemetry/resources': ['runtime/adapters/opentelemetry'],
  '@opentelemetry/sdk-trace-base': ['runtime/adapters/opentelemetry'],
  '@temporalio/activity': [
    'runtime/adapters/temporal',
    'runtime/controller/executions/activities',
    'runtime/controller/flows/activities',
  ],
  '@temporalio/client': ['runtime/adapters/temporal'],
  '@temporalio/common': ['runtime/adapters/temporal'],
  '@temporalio/worker': ['runtime/adapters/temporal'],
  '@temporalio/workflow': ['runtime/controller/executions/workflow', 'runtime/controller/flows/workflow'],
  acorn: ['lib/define'],
  cdk8s: ['lib/constructs'],
  commander: ['runtime/cli/frame'],
  constructs: ['lib/constructs'],
  diff: ['runtime/cli/render', 'runtime/controller/flows/documents'],
  esbuild: ['lib/constructs', 'lib/define', 'runtime/cli', 'runtime/hosts/typescript'],
  'eslint-scope': ['lib/define'],
  'fastest-levenshtein': ['lib/topology'],
  fastify: [
    'runtime/controller/api/api-server',
    'runtime/controller/api/http',
    'runtime/controller/api/routes',
    'runtime/controller/api/workflows',
  ],
  'fastify-type-provider-zod': [
    'runtime/controller/api/api-server',
    'runtime/controller/api/http',
    'runtime/controller/api/routes',
  ],
  'hyparquet-writer': ['runtime/connectors/s3-sink'],
  jose: ['runtime/controller/api/access'],
  'js-yaml': ['lib/constructs'],
  'log-update': ['runtime/cli/terminal'],
  nats: ['runtime/adapters/jetstream', 'runtime/adapters/nats-accounts'],
  pino: ['runtime/log'],
  'pino-pretty': ['runtime/log'],
  'prom-client': ['runtime/replica', 'runtime/controller/api/http', 'runtime/operations/observe'],
  tweetnacl: ['runtime/operations/transport'],
  yaml: [
    'lib/tasks/document',
    'lib/tasks/language',
    'lib/topology',
    'runtime/cli',
    'runtime/controller/api',
    'runtime/controller/flows/service/document-admission',
    'runtime/controller/settings',
  ],
  zod: ['lib', 'runtime'],
};

/** The only controller file that binds adapters to ports. */
const composers = ['runtime/controller/start-controller.ts', 'runtime/controller/open-nats.ts'];

/** Files that hold connections of clients, and may therefore import the types of these clients. */
const holders = ['runtime/controller/open-nats.ts', 'runtime/replica/links.ts', 'runtime/cli/commands/run/'];

/** Network, processes, environment, clock and randomness, which lib must not use. */
const impure =
  /from 'node:(net|http|https|child_process|os|dgram|dns|tls)|process\.env|Date\.now\(|new Date\(\)|Math\.random/;

/** Folders that may use the file system: they read documents and code, and write manifests. */
const readsFiles = ['lib/constructs/', 'lib/define/'];

const root = path.join(__dirname, '..');
const files = ['lib', 'runtime'].flatMap(sources);

function sources(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${folder}/${file}`);
}

/** Every form of import: `import`, `export … from`, `import '…'`, `import('…')`, `require('…')`. */
const imports =
  /^(?:import|export)\s+(type\s)?[^;]*?from '([^']+)';|^import '([^']+)';|(?:import|require)\('([^']+)'\)/gms;

function importsOf(file: string): { path: string; isType: boolean }[] {
  const text = readFileSync(path.join(root, file), 'utf8');
  return [...text.matchAll(imports)].map((match) => {
    const target = match[2] ?? match[3] ?? match[4] ?? '';
    const isType = match[1] !== undefined;
    const isLocal = target.startsWith('.');
    return { path: isLocal ? path.join(path.dirname(file), target).replace(/\.js$/, '') : target, isType };
  });
}

function isWithin(file: string, part: string): boolean {
  return file === part || file.startsWith(`${part}/`);
}

test('the scan finds the sources and their imports', () => {
  expect(files.length).toBeGreaterThan(100);
  expect(files.flatMap(importsOf).length).toBeGreaterThan(300);
});

test.each(Object.entries(rules))('%s imports only the parts that it may depend on', (part, allowed) => {
  const wrong = files
    .filter((file) => isWithin(file, part))
    .flatMap((file) => importsOf(file).map((imported) => ({ file, imported: imported.path })))
    .filter(({ imported }) => /^(lib|runtime|imports)\b/.test(imported))
    .filter(({ imported }) => ![part, ...allowed].some((start) => isWithin(imported, start)));
  expect(wrong).toEqual([]);
});

test('every folder has a rule here and a row in docs/architecture.md, and every rule has a folder', () => {
  const page = readFileSync(path.join(root, 'docs/architecture.md'), 'utf8');
  const folders = [...new Set(files.flatMap((file) => /^[^/]+\/[^/]+(?=\/)/.exec(file)?.[0] ?? []))];
  expect(folders.filter((folder) => rules[folder] === undefined)).toEqual([]);
  expect(folders.filter((folder) => !page.includes(`| \`${folder}\``))).toEqual([]);
  expect(Object.keys(rules).filter((part) => !files.some((file) => isWithin(file, part)))).toEqual([]);
});

test('only commands that start a controller or servers, or check them, import runtime/controller or runtime/servers', () => {
  const starters = ['controller', 'doctor', 'letters', 'run', 'stack', 'task-flows'].map(
    (group) => `runtime/cli/commands/${group}/`,
  );
  const wrong = files
    .filter((file) => file.startsWith('runtime/cli/') && !starters.some((start) => file.startsWith(start)))
    .flatMap((file) => importsOf(file).map((imported) => ({ file, imported: imported.path })))
    .filter(({ imported }) => /^runtime\/(controller|servers)\b/.test(imported));
  expect(wrong).toEqual([]);
});

test('no other part imports the CLI', () => {
  const wrong = files.filter(
    (file) => !file.startsWith('runtime/cli/') && importsOf(file).some((each) => each.path.startsWith('runtime/cli')),
  );
  expect(wrong).toEqual([]);
});

test('every package is imported only from the folders that may use it', () => {
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter(({ path: imported }) => !/^(lib|runtime|imports|node:)/.test(imported))
      .map(({ path: imported, isType }) => ({ isType, name: imported.match(/^(@[^/]+\/)?[^/]+/)?.[0] ?? imported }))
      .filter(({ name, isType }) => {
        if (isType && holders.some((holder) => file.startsWith(holder))) return false;
        return !packages[name]?.some((folder) => file.startsWith(folder));
      })
      .map(({ name }) => ({ file, name })),
  );
  expect(wrong).toEqual([]);
});

test('workflows load no package but that of Temporal, since each new workflow loads all of their modules', () => {
  const loaded = new Set<string>();
  const load = (name: string) => {
    if (loaded.has(name)) return;
    loaded.add(name);
    if (!files.includes(`${name}.ts`)) return;
    for (const { path: imported, isType } of importsOf(`${name}.ts`)) if (!isType) load(imported);
  };
  load('runtime/controller/workflows');
  expect([...loaded].filter((name) => !files.includes(`${name}.ts`))).toEqual(['@temporalio/workflow']);
  expect(loaded).toContain('lib/tasks/advance/task-execution');
});

test('only start-controller.ts imports adapters into the controller', () => {
  const wrong = files.filter(
    (file) =>
      file.startsWith('runtime/controller/') &&
      !composers.includes(file) &&
      importsOf(file).some((each) => each.path.startsWith('runtime/adapters')),
  );
  expect(wrong).toEqual([]);
});

test('every call of JetStream goes through one file, which applies the domain of the connection', () => {
  const calls = /\.jetstream(Manager)?\(|[`'"]\$JS\.API/;
  const callers = files.filter((file) => calls.test(readFileSync(path.join(root, file), 'utf8')));
  expect(callers).toEqual(['runtime/adapters/jetstream/access/jetstream-api.ts']);
});

test('no page or source has the marks of an unresolved merge', () => {
  const folders = ['docs', 'examples', 'lib', 'runtime', 'sdk', 'test', 'tools'];
  const marked = folders
    .flatMap((folder) =>
      readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => /\.(md|ts|mjs|js|py|go|json|ya?ml|sh)$/.test(file) && !file.includes('node_modules'))
        .map((file) => `${folder}/${file}`),
    )
    .filter((file) => /^(<{7}|>{7}) /m.test(readFileSync(path.join(root, file), 'utf8')));
  expect(marked).toEqual([]);
});

test('lib uses no network, clock or environment, and only lib/constructs and lib/define use files', () => {
  const wrong = files.filter((file) => {
    const text = readFileSync(path.join(root, file), 'utf8');
    const isReader = readsFiles.some((folder) => file.startsWith(folder));
    return file.startsWith('lib/') && (impure.test(text) || (!isReader && text.includes("from 'node:fs")));
  });
  expect(wrong).toEqual([]);
});

test.each(['FlowService', 'FlowStore', 'FlowWorkflows', 'Streams', 'Letters', 'Buckets', 'Cluster'])(
  'the port %s has exactly one fake',
  (port) => {
    const fakes = ['test', 'bench'].flatMap(sources).filter((file) => {
      const text = readFileSync(path.join(root, file), 'utf8');
      return new RegExp(`^(export )?class \\w+ implements ${port}\\b`, 'm').test(text);
    });
    expect(fakes).toHaveLength(1);
  },
);
