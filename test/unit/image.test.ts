import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.join(__dirname, '../..');
const dockerfile = readFileSync(path.join(root, 'Dockerfile'), 'utf8').replaceAll(/\\\n/g, ' ');
const ignored = readFileSync(path.join(root, '.dockerignore'), 'utf8');
const instructions = dockerfile.split('\n').filter((line) => /^[A-Z]+ /.test(line));

/** What `COPY` takes from the folder that the image is built in. */
const sources = instructions
  .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
  .flatMap((line) => line.split(/\s+/).slice(1, -1));

test('everything that is copied is there, and reaches the builder', () => {
  expect(sources).toContain('runtime');
  const missing = sources.filter((source) => !existsSync(path.join(root, source)));
  const heldBack = sources.filter((source) => !ignored.split('\n').includes(`!${source}`));
  expect({ missing, heldBack }).toEqual({ missing: [], heldBack: [] });
});

test('nothing reaches the builder that is not copied', () => {
  const allowed = ignored.split('\n').flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
  expect(allowed.sort()).toEqual([...new Set(sources)].sort());
  expect(ignored).toMatch(/^\*$/m);
});

test('it runs on a pinned Node with glibc, as a numeric user, and is the runtime by default', () => {
  expect(dockerfile).toMatch(/^ARG NODE=node:26\.\d+\.\d+-bookworm-slim$/m);
  expect(instructions.filter((line) => line.startsWith('FROM '))).toEqual(['FROM $NODE AS build', 'FROM $NODE']);
  expect(instructions.findLast((line) => line.startsWith('USER '))).toBe('USER 1000:1000');
  expect(instructions.at(-1)).toBe('CMD ["node", "/opt/kflow/dist/js/runtime/replica/main.js"]');
  expect(dockerfile).toContain('ln -s /opt/kflow/dist/js/runtime/cli/main.js /usr/local/bin/kflow');
});
