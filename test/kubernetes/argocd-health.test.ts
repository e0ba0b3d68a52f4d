import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { resolveServer } from '../../runtime/servers/resolve-server';

const config = path.join(__dirname, '../../examples/gitops/argocd/argocd-cm.yaml');
const checks: { readonly [key: string]: string } = parse(readFileSync(config, 'utf8')).data;

const folder = mkdtempSync(path.join(tmpdir(), 'kflow-health-'));
afterAll(() => rmSync(folder, { recursive: true }));

const ready = (status: string, reason: string, message = '') => ({ type: 'Ready', status, reason, message });
const object = (status?: object) => ({ metadata: { generation: 2 }, ...(status === undefined ? {} : { status }) });

const cases: readonly [string, object, string, RegExp][] = [
  ['that NACK has not seen', object(), 'Progressing', /not looked at it yet/],
  [
    'of an older generation',
    object({ observedGeneration: 1, conditions: [ready('True', 'Ready')] }),
    'Progressing',
    /last change/,
  ],
  ['at work', object({ conditions: [ready('Unknown', 'Reconciling')] }), 'Progressing', /at work/],
  ['ready', object({ observedGeneration: 2, conditions: [ready('True', 'Ready', 'made')] }), 'Healthy', /made/],
  [
    'in error',
    object({ observedGeneration: 2, conditions: [ready('False', 'Errored', 'no room')] }),
    'Degraded',
    /no room/,
  ],
];

describe.each(Object.keys(checks))('%s, by the Lua that Argo CD runs', (key) => {
  test.each(cases)('an object %s', async (_title, given, status, message) => {
    const { path: program } = await resolveServer('kubernetes');
    const script = path.join(folder, 'health.lua');
    writeFileSync(script, checks[key] ?? '');
    const answer = JSON.parse(
      execFileSync(program, ['lua-health', script], { input: JSON.stringify(given), encoding: 'utf8' }),
    );
    expect(answer).toEqual({ status, message: expect.stringMatching(message) });
  });
});

test('every NACK kind of a flow has a health check', () => {
  expect(Object.keys(checks).map((key) => key.split('_').at(-1))).toEqual(['Stream', 'Consumer', 'KeyValue']);
});
