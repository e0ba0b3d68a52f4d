import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
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
  Worker.runReplayHistory({ workflowBundle: { codePath: workflowBundle } }, historyFromJSON(history), 'replay/flow');

test.each(histories)('replays the recorded history %s', async (name) => {
  await replay(read(name));
});

test('detects a history that differs', async () => {
  const { events } = read('pause-update-replay');
  const text = JSON.stringify({ events }).replaceAll('"name":"drain"', '"name":"awaitGone"');
  await expect(replay(JSON.parse(text))).rejects.toThrow(/nondeterminism/i);
});
