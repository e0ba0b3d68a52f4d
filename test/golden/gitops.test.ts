import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
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
