import { execFile } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { KubernetesObject } from '../../runtime/controller/ports/kubernetes-object';
import { resolveServer } from '../../runtime/servers/resolve-server';
import { ArgoApplication, exampleFolder } from '../support/argo-application';
import { waitFor } from '../support/wait-for';
import { GitOpsStage } from './gitops-stage';
import { connectCluster, sharedKubeconfig } from './support';

/** The example's repository, set up and removed by the commands of its README, on a nats with an account for each environment. */
const program = path.join(__dirname, '../../dist/js/runtime/cli/main.js');
const environments = ['dev', 'prod'] as const;
type Environment = (typeof environments)[number];
/** As the README's commands spell it. */
const password = 'PASSWORD';

let stage: GitOpsStage;
let repository: string;

beforeAll(async () => {
  const accounts = environments.map(
    (name) => `  texts-${name}: { jetstream: enabled, users: [{ user: texts-${name}, password: ${password} }] }`,
  );
  stage = await GitOpsStage.openEmpty({ config: ['accounts {', ...accounts, '}'] });
  repository = path.join(stage.repository, 'flows');
  cpSync(exampleFolder, repository, { recursive: true });
  await installApplicationCrd();
  await installPrograms();
  for (const name of environments) await stage.startNack(`texts-${name}`);
});
afterAll(() => stage.close());

function edit(file: string, change: (text: string) => string): void {
  const at = path.join(repository, file);
  writeFileSync(at, change(readFileSync(at, 'utf8')));
}

/** Argo CD's kind, as far as `kubectl apply` needs it. */
async function installApplicationCrd(): Promise<void> {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  const cluster = await connectCluster();
  await cluster.apply({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'applications.argoproj.io' },
    spec: {
      group: 'argoproj.io',
      scope: 'Namespaced',
      names: { kind: 'Application', plural: 'applications' },
      versions: [{ name: 'v1alpha1', served: true, storage: true, schema }],
    },
  });
  await waitFor('Applications are served', () =>
    cluster.serves({ apiVersion: 'argoproj.io/v1alpha1', kind: 'Application' }),
  );
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } });
}

/** `kflow` and `kubectl` of the commands. */
async function installPrograms(): Promise<void> {
  const { path: kubernetes } = await resolveServer('kubernetes');
  const bin = path.join(stage.repository, 'bin');
  mkdirSync(bin);
  const scripts = { kflow: `"${process.execPath}" "${program}"`, kubectl: `"${kubernetes}" kubectl` };
  for (const [name, command] of Object.entries(scripts)) {
    writeFileSync(path.join(bin, name), `#!/bin/sh\nexec ${command} "$@"\n`);
    chmodSync(path.join(bin, name), 0o755);
  }
}

/** Runs shell commands in the repository. Throws with their output when one fails. */
async function shell(commands: string): Promise<string> {
  const PATH = `${path.join(stage.repository, 'bin')}:${process.env.PATH}`;
  const env = { ...process.env, PATH, KUBECONFIG: sharedKubeconfig() };
  const { stdout } = await promisify(execFile)('sh', ['-euc', commands], { cwd: repository, env });
  return stdout;
}

/** The commands below a heading of the README, for one environment. */
function documented(heading: string, environment: Environment): string {
  const section = readFileSync(path.join(repository, 'README.md'), 'utf8')
    .split(`## ${heading}\n`)[1]
    ?.split('\n## ')[0];
  const commands = section?.match(/```sh\n([\s\S]*?)```/)?.[1];
  if (commands === undefined) throw new Error(`the README has no commands below "${heading}"`);
  return commands.replaceAll('dev', environment);
}

/** Texts of all files by path. */
function filesBelow(folder: string): object {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => statSync(path.join(folder, name)).isFile());
  return Object.fromEntries(files.sort().map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]));
}

const application = (name: Environment) =>
  new ArgoApplication({ repository, kubeconfig: sharedKubeconfig() }, path.join(repository, `argocd/${name}.yaml`));

const login = (name: Environment) => ({ user: `texts-${name}`, pass: password });

/** What nats holds of an environment: settings, first and last sequence and number of messages of every stream. */
async function streamsOf(name: Environment): Promise<readonly object[]> {
  const streams = await (await stage.manager(login(name))).streams.list().next();
  return streams
    .map(({ config, created, state }) => ({ config, created, first: state.first_seq, last: state.last_seq }))
    .sort((one, other) => one.config.name.localeCompare(other.config.name));
}

/** The objects of an environment that somebody wrote, with what shows every change of them. */
async function objectsOf(name: Environment): Promise<readonly string[]> {
  const cluster = await connectCluster();
  const kinds = [
    ['v1', 'ConfigMap'],
    ['v1', 'Secret'],
    ['v1', 'ServiceAccount'],
    ['apps/v1', 'Deployment'],
    ['networking.k8s.io/v1', 'NetworkPolicy'],
    ...['Account', 'Stream', 'Consumer', 'KeyValue'].map((kind) => ['jetstream.nats.io/v1beta2', kind]),
  ] as const;
  const lists = await Promise.all(
    kinds.map(([apiVersion, kind]) => cluster.list({ apiVersion, kind } as KubernetesObject, `texts-${name}`)),
  );
  const shown = lists.flat().map(({ kind, metadata }) => {
    const { uid, generation } = metadata as { readonly uid?: string; readonly generation?: number };
    return `${kind} ${metadata.name} ${uid} ${generation}`;
  });
  return shown.sort();
}

test('two environments work by the README alone; one is removed without a trace in the other; kept records outlive the namespace', async () => {
  await shell('./manifests.sh synth');
  expect(filesBelow(repository)).toEqual(filesBelow(exampleFolder));
  expect(await shell('./manifests.sh plan')).toMatch(/no changes\n.*no changes\n$/s);
  // here, nats has another address, and one node
  edit('manifests.sh', (text) => text.replace('nats://nats.nats.svc:4222', stage.nats.url));
  edit('flows/words.yaml', (text) => text.replace('replicas: 3', 'replicas: 1'));
  await expect(shell('./manifests.sh plan')).rejects.toMatchObject({ code: 2 });
  await shell('./manifests.sh synth');

  for (const name of environments) {
    await shell(documented('Set-up', name));
    const { phase, message } = await application(name).sync();
    expect([name, phase, message]).toEqual([name, 'Succeeded', expect.any(String)]);
    expect((await application(name).status()).sync).toBe('Synced');
    const names = (await streamsOf(name)).map((stream) => (stream as { config: { name: string } }).config.name);
    expect(names).toContain(`kflow_texts-${name}_words_list`);
    expect(names.filter((each) => !each.includes(`texts-${name}_`))).toEqual([]);
    await stage.publish(`kflow.texts-${name}.words.list.out`, login(name));
  }

  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'words--count', namespace: 'texts-prod' },
  };
  const cluster = await connectCluster();
  expect(await cluster.read(deployment)).toMatchObject({
    spec: { replicas: 4, template: { spec: { imagePullSecrets: [{ name: 'registry' }] } } },
  });

  const prod = { streams: await streamsOf('prod'), objects: await objectsOf('prod') };
  await application('dev').delete();
  expect(await streamsOf('dev')).toEqual([]);
  await shell('kubectl delete -f namespaces/dev --timeout 60s');
  expect({ streams: await streamsOf('prod'), objects: await objectsOf('prod') }).toEqual(prod);
  edit('manifests.sh', (text) =>
    text
      .replace('--against "manifests/$name"', '--against cluster')
      .replace(/^environment dev[\s\S]*(?=^environment prod)/m, ''),
  );
  expect(await shell('./manifests.sh plan')).toBe('flow texts-prod/words: no changes\n');
  const after = await application('prod').automate(2);
  expect(after.map(({ sync, operation }) => [sync, operation])).toEqual([
    ['Synced', undefined],
    ['Synced', undefined],
  ]);

  const { kept } = await application('prod').delete();
  expect(kept).toContain('Stream words--list');
  await shell('kubectl delete -f namespaces/prod --timeout 60s');
  expect(await streamsOf('prod')).toEqual(prod.streams);
});
