import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stackIn, writeStack } from '../../../../runtime/cli/local-stack/find-stack';
import { holdPresence, isHeld, presentPid } from '../../../../runtime/cli/local-stack/presence';
import { StackDirectory } from '../../../../runtime/cli/local-stack/stack-directory';

let folder: string;
let directory: StackDirectory;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kflow-test-'));
  directory = new StackDirectory(path.join(folder, '.kflow'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a folder is held by one process, until it ends', async () => {
  expect([await isHeld(directory), await presentPid(directory)]).toEqual([false, undefined]);
  const presence = await holdPresence(directory);
  expect([await isHeld(directory), await presentPid(directory)]).toEqual([true, process.pid]);
  await expect(holdPresence(directory)).rejects.toMatchObject({ code: 'state-invalid' });
  await presence.close();
  expect([await isHeld(directory), await presentPid(directory)]).toEqual([false, undefined]);
});

describe('a supervisor that is too busy to answer', () => {
  let busy: Server;
  beforeEach(async () => {
    directory.make();
    busy = createServer();
    await new Promise<void>((resolve) => busy.listen(directory.socket('up.sock'), resolve));
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
  });
  afterEach(() => {
    jest.useRealTimers();
    busy.close();
  });

  test('is waited for', async () => {
    const accepted = new Promise<void>((resolve) => {
      busy.on('connection', (socket) => {
        jest.advanceTimersByTime(30_000);
        socket.end('42\n');
        resolve();
      });
    });
    expect(await presentPid(directory)).toBe(42);
    await accepted;
  });

  test('does not lose its folder to a second one, nor its stack', async () => {
    const sockets = new Set<{ destroy(): void }>();
    busy.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      jest.advanceTimersByTime(60_000);
    });
    const silent = { code: 'state-invalid', message: expect.stringMatching(/does not answer/) };
    await expect(holdPresence(directory)).rejects.toMatchObject(silent);
    const s3 = { endpoint: '', user: '', password: '' };
    writeStack(directory, { version: 1, pid: 42, url: '', nats: '', temporal: '', s3, socket: '' });
    await expect(stackIn(directory)).rejects.toMatchObject(silent);
    expect(await isHeld(directory)).toBe(true);
    for (const socket of sockets) socket.destroy();
  });
});
