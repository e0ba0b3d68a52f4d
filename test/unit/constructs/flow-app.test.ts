import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ApiObject, App, Chart } from 'cdk8s';
import { FlowApp } from '../../../lib/constructs/flow-app';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function synthesize(Kind: typeof App, build: (app: App) => void): { readonly [file: string]: string } {
  const outdir = mkdtempSync(path.join(tmpdir(), 'kflow-app-'));
  folders.push(outdir);
  const app = new Kind({ outdir });
  build(app);
  app.synth();
  return Object.fromEntries(readdirSync(outdir).map((file) => [file, readFileSync(path.join(outdir, file), 'utf8')]));
}

function config(scope: Chart, name: string): ApiObject {
  return new ApiObject(scope, name, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    data: { key: 'value' },
  });
}

test.each<[string, (app: App) => void]>([
  [
    'independent charts',
    (app) => {
      config(new Chart(app, 'one'), 'a');
      config(new Chart(app, 'Two.x'), 'b');
    },
  ],
  [
    'objects that depend on each other',
    (app) => {
      const chart = new Chart(app, 'chart');
      const first = config(chart, 'first');
      first.addDependency(config(chart, 'second'));
    },
  ],
  ['a chart in a chart', (app) => config(new Chart(new Chart(app, 'outer'), 'inner'), 'a')],
])('writes the same files as cdk8s for %s', (_title, build) => {
  expect(synthesize(FlowApp, build)).toEqual(synthesize(App, build));
});

test('writes nothing if validation fails', () => {
  const outdir = path.join(tmpdir(), `kflow-app-none-${process.pid}`);
  const app = new FlowApp({ outdir });
  const chart = new Chart(app, 'chart');
  chart.node.addValidation({ validate: () => ['not so'] });
  expect(() => app.synth()).toThrow('[chart] not so');
  expect(() => readdirSync(outdir)).toThrow('ENOENT');
});
