import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { dataConverter } from '../../runtime/adapters/temporal/gzip-codec';
import { workflowBundle } from '../../runtime/adapters/temporal/temporal-worker';

if (!existsSync(workflowBundle)) throw new Error('no build: run npm run build');

const folder = path.join(__dirname, 'histories');
const histories = readdirSync(folder).map((file) => path.parse(file).name);

beforeAll(() => {
  Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined), shutdownSignals: [] });
});

function read(name: string): { readonly events: { readonly eventType: unknown; [field: string]: unknown }[] } {
  return JSON.parse(readFileSync(path.join(folder, `${name}.json`), 'utf8'));
}

const replay = (history: object) =>
  Worker.runReplayHistory(
    { workflowBundle: { codePath: workflowBundle }, dataConverter },
    historyFromJSON(history),
    'replay/flow',
  );

test.each(histories)('replays the recorded history %s', async (name) => {
  await replay(read(name));
});

test('detects a history that differs', async () => {
  const { events } = read('pause-update-replay');
  const text = JSON.stringify({ events }).replaceAll('"name":"drain"', '"name":"awaitGone"');
  await expect(replay(JSON.parse(text))).rejects.toThrow(/nondeterminism/i);
});

test('detects a local activity that differs', async () => {
  const text = JSON.stringify(read('execution-chain'), (key, value) => {
    if (key !== 'data' || typeof value !== 'string') return value;
    const data = Buffer.from(value, 'base64').toString().replaceAll('sendTasks', 'lookInto');
    return Buffer.from(data).toString('base64');
  });
  await expect(replay(JSON.parse(text))).rejects.toThrow(/nondeterminism/i);
});
