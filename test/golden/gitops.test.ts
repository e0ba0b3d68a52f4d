import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Flow } from '../../lib/constructs/flow';
import { FlowApp } from '../../lib/constructs/flow-app';

const folder = path.join(__dirname, '../../examples/gitops');

test('the manifests of the GitOps example match its flows', () => {
  const app = new FlowApp();
  for (const file of readdirSync(path.join(folder, 'flows')).filter((name) => name.endsWith('.yaml'))) {
    Flow.fromFile(app, path.parse(file).name, path.join(folder, 'flows', file), {
      purpose: 'manifests-without-secrets',
    });
  }
  const texts = Object.fromEntries(app.texts());
  if (process.env.KFLOW_GOLDEN === 'write') {
    for (const [name, text] of app.texts()) writeFileSync(path.join(folder, 'manifests', name), text);
  }
  const kept = readdirSync(path.join(folder, 'manifests')).map((name) => [
    name,
    readFileSync(path.join(folder, 'manifests', name), 'utf8'),
  ]);
  expect(texts).toEqual(Object.fromEntries(kept));
});
