import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { addLabels } from '../../examples/cdk8s-plus/labels';
import { FlowApp } from '../../lib/constructs/flow-app';

const folder = path.join(__dirname, 'cdk8s-plus');

function synthesize(): { readonly [file: string]: string } {
  const outdir = mkdtempSync(path.join(tmpdir(), 'kflow-golden-'));
  try {
    const app = new FlowApp({ outdir });
    addLabels(app);
    app.synth();
    return filesOf(outdir);
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

function filesOf(directory: string): { readonly [file: string]: string } {
  return Object.fromEntries(
    readdirSync(directory).map((name) => [name, readFileSync(path.join(directory, name), 'utf8')]),
  );
}

test('examples/cdk8s-plus renders the golden manifests each time', () => {
  const files = synthesize();
  if (process.env.KFLOW_GOLDEN === 'write') {
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  }
  expect(files).toEqual(filesOf(folder));
  expect(synthesize()).toEqual(files);
});
