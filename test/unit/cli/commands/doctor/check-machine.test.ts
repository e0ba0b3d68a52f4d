import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { checkMachine, isVersionOf } from '../../../../../runtime/cli/commands/doctor/check-machine';
import { cachePath } from '../../../../../runtime/servers/server-cache';
import { readCatalog } from '../../../../../runtime/servers/server-catalog';
import { Workplace } from '../../../../support/kflow-cli';

const before = { ...process.env };
let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => {
  process.env = { ...before };
  place.remove();
});

async function findingOf(name: string) {
  return (await checkMachine()).find(({ what }) => what === name);
}

test('a variable that names no program is a finding like others', async () => {
  process.env.KFLOW_NATS_SERVER = path.join(place.folder, 'none');
  expect(await findingOf('nats-server')).toMatchObject({
    state: 'failed',
    found: expect.stringContaining('correct or unset KFLOW_NATS_SERVER'),
  });
});

test('a broken program in the cache is a finding with its path', async () => {
  process.env = { ...before, KFLOW_CACHE: place.folder, KFLOW_NATS_SERVER: '', PATH: '' };
  const entry = readCatalog()['nats-server'];
  if (entry === undefined) throw new Error('no nats-server in the catalog');
  const file = cachePath('nats-server', entry, process.env);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  expect(await findingOf('nats-server')).toEqual({
    what: 'nats-server',
    state: 'failed',
    found: expect.stringContaining(`${file}: the program does not run: `),
    remedy: 'remove or replace the program',
  });
});

test.each([
  ['20.19.0', true],
  ['20.18.9', false],
  ['21.0.0', false],
  ['22.13.1', true],
  ['22.9.0', false],
  ['23.11.0', false],
  ['24.0.0', true],
  ['100.0.0', true],
])('of Node, %s is a tested version: %s', (version, isTested) => {
  expect(isVersionOf(version, '^20.19.0 || ^22.13.0 || >=24')).toBe(isTested);
});
