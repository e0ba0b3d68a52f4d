import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.join(__dirname, '../..');

test('imports/ matches the code generated from the CRDs', () => {
  const output = mkdtempSync(path.join(tmpdir(), 'kflow-imports-'));
  try {
    const program = path.join(root, 'node_modules/.bin/ts-node');
    execFileSync(program, [path.join(root, 'tools/imports.ts'), '--output', output], { cwd: root, stdio: 'pipe' });
    const [file] = readdirSync(output);
    expect(file).toBe('jetstream.nats.io.ts');
    expect(readFileSync(path.join(root, 'imports', file ?? ''), 'utf8')).toBe(
      readFileSync(path.join(output, file ?? ''), 'utf8'),
    );
  } finally {
    rmSync(output, { recursive: true });
  }
});
