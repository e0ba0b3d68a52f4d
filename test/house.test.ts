import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** What each part of the house may import, by the start of the path; its own files always. */
const rules: { readonly [part: string]: readonly string[] } = {
  'lib/errors.ts': [],
  'lib/topology': ['lib/errors'],
  'lib/define': ['lib/errors', 'lib/topology'],
  'lib/plan': ['lib/errors', 'lib/topology'],
  'lib/constructs': ['lib/define', 'lib/errors', 'lib/plan', 'lib/topology', 'imports'],
  'runtime/async': [],
  'runtime/engine': ['lib/errors', 'lib/plan', 'lib/topology'],
  'runtime/hosts': [
    'lib/define/sdk',
    'lib/errors',
    'lib/plan',
    'runtime/engine',
    'runtime/package-root',
    'runtime/replica/replica-context',
  ],
  'runtime/adapters': [
    'runtime/async',
    'lib/errors',
    'lib/plan',
    'runtime/engine',
    'runtime/controller/ports',
    'runtime/package-root',
  ],
  'runtime/controller/ports': ['lib/errors', 'lib/plan', 'runtime/controller/api/schemas'],
  'runtime/controller/api': [
    'lib/errors',
    'lib/topology',
    'runtime/controller/ports',
    'runtime/log',
    'runtime/package-root',
  ],
  'runtime/controller/workflows': ['lib/errors', 'runtime/controller/ports'],
  'runtime/controller': [
    'runtime/async',
    'lib',
    'runtime/adapters',
    'runtime/engine/counters',
    'runtime/log',
    'runtime/package-root',
  ],
  'runtime/connectors': [
    'runtime/async',
    'lib/errors',
    'lib/plan',
    'lib/topology',
    'runtime/engine',
    'runtime/adapters/s3',
  ],
  'runtime/replica': [
    'lib',
    'runtime/engine',
    'runtime/hosts',
    'runtime/adapters',
    'runtime/connectors',
    'runtime/log',
  ],
  'runtime/servers': ['runtime/async', 'lib/errors', 'runtime/adapters', 'runtime/package-root'],
  'runtime/cli': ['lib', 'runtime'],
};

/** Client libraries, and the only folders that may import each. */
const clients: { readonly [library: string]: readonly string[] } = {
  nats: ['runtime/adapters/jetstream'],
  '@aws-sdk/client-s3': ['runtime/adapters/s3'],
  '@kubernetes/client-node': ['runtime/adapters/kubernetes'],
  'prom-client': ['runtime/replica', 'runtime/controller/api'],
  jose: ['runtime/controller/api'],
  fastify: ['runtime/controller/api'],
  '@temporalio/client': ['runtime/adapters/temporal'],
  '@temporalio/worker': ['runtime/adapters/temporal'],
  '@temporalio/workflow': ['runtime/controller/workflows'],
  '@temporalio/activity': ['runtime/controller/activities'],
};

/** Types of a client may be named where a command of ours holds its connection. */
const holders = ['runtime/replica/links.ts', 'runtime/cli/run/'];

/** Node's ways out of purity, and what lib must not read. */
const impure =
  /from 'node:(net|http|https|child_process|os|dgram|dns|tls)|process\.env|Date\.now\(|new Date\(\)|Math\.random/;

/** Where documents and code are read, and manifests written. */
const readsFiles = ['lib/constructs/', 'lib/define/'];

const root = path.join(__dirname, '..');
const files = ['lib', 'runtime'].flatMap(sources);

function sources(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${folder}/${file}`);
}

function importsOf(file: string): { path: string; isType: boolean }[] {
  const text = readFileSync(path.join(root, file), 'utf8');
  return [...text.matchAll(/^import\s+(type\s)?[^;]*?from '([^']+)';|require\('([^']+)'\)/gms)].map((match) => {
    const target = match[2] ?? match[3] ?? '';
    const isType = match[1] !== undefined;
    return { path: target.startsWith('.') ? path.join(path.dirname(file), target) : target, isType };
  });
}

test('visits the whole house', () => {
  expect(files.length).toBeGreaterThan(100);
  expect(files.flatMap(importsOf).length).toBeGreaterThan(300);
});

test.each(Object.entries(rules))('%s imports only what stands below it', (part, allowed) => {
  const wrong = files
    .filter((file) => file.startsWith(part))
    .flatMap((file) => importsOf(file).map((imported) => ({ file, imported: imported.path })))
    .filter(({ imported }) => /^(lib|runtime|imports)\b/.test(imported))
    .filter(({ imported }) => ![part, ...allowed].some((start) => imported.startsWith(start)));
  expect(wrong).toEqual([]);
});

test('nothing imports the cli', () => {
  const wrong = files.filter(
    (file) => !file.startsWith('runtime/cli/') && importsOf(file).some((each) => each.path.startsWith('runtime/cli')),
  );
  expect(wrong).toEqual([]);
});

test.each(Object.entries(clients))('%s is imported only by its adapter', (library, folders) => {
  const wrong = files.filter(
    (file) =>
      !folders.some((folder) => file.startsWith(folder)) &&
      importsOf(file).some(
        ({ path: imported, isType }) =>
          imported === library && !(isType && holders.some((holder) => file.startsWith(holder))),
      ),
  );
  expect(wrong).toEqual([]);
});

test('lib is pure: no network, no clock, no environment, and files only where documents and code come from', () => {
  const wrong = files.filter((file) => {
    const text = readFileSync(path.join(root, file), 'utf8');
    const isReader = readsFiles.some((folder) => file.startsWith(folder));
    return file.startsWith('lib/') && (impure.test(text) || (!isReader && text.includes("from 'node:fs")));
  });
  expect(wrong).toEqual([]);
});
