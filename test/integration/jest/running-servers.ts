import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Workplace } from '../../support/kflow-cli';
import { RunningStack } from '../../support/running-stack';
import { JetStreamPlace } from '../jetstream/jetstream-place';

/** Run and killed by `runs-end.test.ts`: starts a server and a stack, reports their processes, and blocks. */
test('runs until it is killed', async () => {
  const server = await JetStreamPlace.start();
  const place = new Workplace();
  const { file } = await RunningStack.up(place);
  const data = path.join(place.folder, '.kflow/stack.data');
  const pidFiles = readdirSync(data).map((part) => path.join(data, part, 'pid'));
  const parts = pidFiles.filter(existsSync).map((pidFile) => Number(readFileSync(pidFile, 'utf8')));
  const report = process.env.KFLOW_TEST_REPORT ?? '';
  writeFileSync(`${report}.part`, JSON.stringify({ home: tmpdir(), pids: [server.pid, file.pid, ...parts] }));
  renameSync(`${report}.part`, report);
  await delay(600_000);
}, 700_000);
