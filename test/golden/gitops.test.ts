import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Flow } from '../../lib/constructs/flow';
import { FlowApp } from '../../lib/constructs/flow-app';
import { parseSet } from '../../lib/topology/read/document-set';

const folder = path.join(__dirname, '../../examples/gitops');
const pods = {
  image: 'registry.example.org/texts/kflow:1.0.0',
  imagePullSecrets: ['registry'],
  natsUrl: 'nats://nats.nats.svc:4222',
  natsSecrets: ['nats'],
  nackAccount: 'nats',
};

/** The overrides of each environment, as in manifests.sh. */
const environments = {
  dev: [
    'dag.list.topics=s3a://texts-dev',
    'dag.results.topics=s3a://counts-dev',
    'globalConfig.stream.replicas=1',
    'globalConfig.stream.onDelete=delete',
    'dag.count.parallelism=1',
  ],
  prod: [],
};

test.each(Object.entries(environments))('the manifests of %s in the GitOps example match its flows', (name, sets) => {
  const app = new FlowApp();
  for (const file of readdirSync(path.join(folder, 'flows')).filter((each) => each.endsWith('.yaml'))) {
    Flow.fromFile(app, path.parse(file).name, path.join(folder, 'flows', file), {
      ...pods,
      sets: [`namespace=texts-${name}`, ...sets].map(parseSet),
      purpose: 'manifests-without-secrets',
    });
  }
  const manifests = path.join(folder, 'manifests', name);
  if (process.env.KFLOW_GOLDEN === 'write') {
    for (const [file, text] of app.texts()) writeFileSync(path.join(manifests, file), text);
  }
  const kept = readdirSync(manifests).map((file) => [file, readFileSync(path.join(manifests, file), 'utf8')]);
  expect(Object.fromEntries(app.texts())).toEqual(Object.fromEntries(kept));
});

/** Runs the script of the example in a copy, with a `kflow` that ends with the status of the environment in its arguments. */
function manifestsScript(command: string, { dev, prod }: { readonly dev: number; readonly prod: number }) {
  const copy = mkdtempSync(path.join(tmpdir(), 'kflow-gitops-'));
  cpSync(folder, copy, { recursive: true });
  const kflow = `#!/bin/sh\ncase "$*" in *texts-dev*) exit ${dev} ;; *) exit ${prod} ;; esac\n`;
  writeFileSync(path.join(copy, 'kflow'), kflow, { mode: 0o755 });
  const env = { ...process.env, PATH: `${copy}:${process.env.PATH}` };
  const { status } = spawnSync('sh', ['manifests.sh', command], { cwd: copy, env });
  const account = readFileSync(path.join(copy, 'namespaces/dev/nats-account.yaml'), 'utf8');
  rmSync(copy, { recursive: true });
  return { status, account };
}

test.each([
  ['no changes', { dev: 0, prod: 0 }, 0],
  ['changes of one', { dev: 2, prod: 0 }, 2],
  ['an error of one and changes of the other', { dev: 1, prod: 2 }, 1],
])('manifests.sh plan with %s of the environments says so by its exit status', (_what, statuses, status) => {
  expect(manifestsScript('plan', statuses).status).toBe(status);
});

test('manifests.sh synth that fails leaves the files as they are', () => {
  const { status, account } = manifestsScript('synth', { dev: 1, prod: 0 });
  expect(status).toBe(1);
  expect(account).toBe(readFileSync(path.join(folder, 'namespaces/dev/nats-account.yaml'), 'utf8'));
});
