import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { flow as messageStore } from '../../examples/message-store/flow';
import { Flow } from '../../lib/constructs/flow';
import { FlowApp } from '../../lib/constructs/flow-app';

/**
 * Complete manifests for review. `npm run golden` rewrites them; a change here changes what runs in clusters.
 */
const topologies = path.join(__dirname, '../fixtures/topologies');
const isWriting = process.env.KFLOW_GOLDEN === 'write';

const golden: readonly string[] = [
  'auto-download',
  'bulk-elastic',
  'message-store',
  'side-outs',
  'update',
  'pods',
  'pod-settings',
  'raw-source',
  'scale-stream',
  's3-access',
  'dev-mode',
];

function synthesize(name: string): string {
  const app = new FlowApp();
  Flow.fromFile(app, name, path.join(topologies, `${name}.yaml`));
  return [...app.texts().values()].join('');
}

test.each(golden)('%s.yaml renders the golden manifests', (name) => {
  const text = synthesize(name);
  const file = path.join(__dirname, `${name}.k8s.yaml`);
  if (isWriting) writeFileSync(file, text);
  expect(existsSync(file)).toBe(true);
  expect(text).toBe(readFileSync(file, 'utf8'));
});

test.each(golden)('%s.yaml renders the same bytes each time, without passwords', (name) => {
  const text = synthesize(name);
  expect(synthesize(name)).toBe(text);
  expect(text).not.toMatch(/minioadmin|mypassword/);
});

test('the TypeScript flow of examples/message-store renders the manifests of its YAML', () => {
  const app = new FlowApp();
  Flow.fromDefinition(app, 'jobx', messageStore);
  expect([...app.texts().values()].join('')).toBe(readFileSync(path.join(__dirname, 'message-store.k8s.yaml'), 'utf8'));
});
