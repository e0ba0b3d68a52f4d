import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ConfigError } from '../../../../../lib/errors';
import { StackSubstitutes } from '../../../../../runtime/cli/commands/stack/stack-substitutes';

const endpoint = 'http://127.0.0.1:9';
const search = { connectsTo: 'search-server', addr: 'search.example:9200' } as const;
const nats = { connectsTo: 'nats-server', addr: 'nats://nats.example:4222' } as const;

let folder: string;
const steps: string[] = [];
let failure: Error | undefined;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kflow-substitutes-'));
  steps.length = 0;
  failure = undefined;
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = () =>
  new StackSubstitutes({
    file: path.join(folder, 'substitutes.json'),
    startSearch: async () => {
      if (failure !== undefined) throw failure;
      steps.push('started');
      return { endpoint, port: 9, pid: () => 1, stop: async () => void steps.push('stopped') };
    },
    onSearch: (server) => steps.push(server.endpoint),
  });

test('the first flow that needs the search server starts it, once', async () => {
  const substitutes = open();
  await substitutes.start();
  expect([substitutes.all(), substitutes.place(), steps]).toEqual([[], {}, []]);
  const asked = [search, nats, search, { connectsTo: 'search-server' } as const];
  const decisions = await Promise.all(asked.map((server) => substitutes.decide(server)));
  expect(decisions.map(({ substitute }) => substitute)).toEqual([
    { addr: endpoint },
    {},
    { addr: endpoint },
    { addr: endpoint },
  ]);
  expect([steps, substitutes.place()]).toEqual([['started', endpoint], { search: endpoint }]);
  await substitutes.stop();
  expect(steps.at(-1)).toBe('stopped');
});

test('decisions outlive the stack, and its next start brings the search server', async () => {
  await open().decide(search);
  steps.length = 0;
  const next = open();
  await next.start();
  expect(steps).toEqual(['started', endpoint]);
  expect(next.all()).toEqual([{ ...search, substitute: { addr: endpoint } }]);
});

test('a search server that does not start is no decision', async () => {
  const substitutes = open();
  failure = new ConfigError('server-missing', 'no JDK');
  await expect(substitutes.decide(search)).rejects.toThrow('no JDK');
  failure = undefined;
  expect(await substitutes.decide(search)).toMatchObject({ substitute: { addr: endpoint } });
});
