import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { readImageConfig } from '../../../tools/image/image-config';

const root = path.join(__dirname, '../../..');
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

test('it is built in an image known by its digest, of which nothing remains', () => {
  expect(dockerfile).toMatch(/^ARG BUILDER=node:\d+\.\d+\.\d+-\w+-slim@sha256:[0-9a-f]{64}$/m);
  const stages = instructions.filter((line) => line.startsWith('FROM '));
  expect(stages).toEqual(['FROM --platform=$BUILDPLATFORM $BUILDER AS build', 'FROM scratch']);
});

test('both ways to build start the same process as the same user', () => {
  expect(readImageConfig(path.join(root, 'Dockerfile'), { VERSION: '1.2.3' })).toEqual({
    User: '1000:1000',
    ExposedPorts: { '9080/tcp': {}, '9002/tcp': {} },
    Env: [
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'NODE_ENV=production',
      'PYTHONDONTWRITEBYTECODE=1',
      'PYTHONUNBUFFERED=1',
      'PYTHONPATH=/opt/kflow/sdk/python',
      'HOME=/tmp',
    ],
    Cmd: ['node', '/opt/kflow/dist/js/runtime/replica/main.js'],
    WorkingDir: '/opt/kflow',
    Labels: expect.objectContaining({ 'org.opencontainers.image.version': '1.2.3' }),
  });
});
