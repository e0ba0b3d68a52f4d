import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'nats';
import { startNatsServer } from '../../../runtime/servers/nats-server';
import { resolveServer } from '../../../runtime/servers/resolve-server';
import { type RunningServer, runServer, type ServerOptions } from '../../../runtime/servers/run-server';
import { startS3Server } from '../../../runtime/servers/s3-server';
import type { ServerEvent } from '../../../runtime/servers/server-event';
import { startTemporalServer } from '../../../runtime/servers/temporal-server';
import { waitFor } from '../../support/wait-for';

const root = mkdtempSync(join(tmpdir(), 'kflow-servers-'));
const running = new Set<RunningServer>();

// The first run on a machine builds the servers.
beforeAll(async () => {
  for (const name of ['nats-server', 'versitygw', 'temporal']) await resolveServer(name);
}, 1_800_000);

afterEach(async () => {
  await Promise.all([...running].map((server) => server.stop()));
  running.clear();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Stops the server at the end of the test, also after a failure. */
async function kept<T extends RunningServer>(starting: Promise<T>): Promise<T> {
  const server = await starting;
  running.add(server);
  return server;
}

function place(name: string, events: ServerEvent[] = []): ServerOptions {
  const onEvent = (event: ServerEvent) => events.push(event);
  return { dataDir: join(root, name), logFile: join(root, 'logs', `${name}.log`), onEvent };
}

const isRestarted = (events: readonly ServerEvent[]) => () => events.some(({ type }) => type === 'restarted');

const KINDS = {
  nats: async (options: ServerOptions) => {
    const server = await startNatsServer(options);
    return { ...server, address: server.url };
  },
  s3: async (options: ServerOptions) => {
    const server = await startS3Server(options);
    return { ...server, address: server.endpoint };
  },
  temporal: startTemporalServer,
};

describe.each(Object.entries(KINDS))('%s', (name, start) => {
  it('listens on loopback and keeps its address across a stop and a start', async () => {
    const first = await kept(start(place(name)));
    expect(first.address).toMatch(/^([a-z]+:\/\/)?127\.0\.0\.1:\d+$/);
    await first.stop();
    expect(first.pid()).toBeUndefined();
    expect((await kept(start(place(name)))).address).toBe(first.address);
  });

  it('restarts on the same address when it is killed', async () => {
    const events: ServerEvent[] = [];
    const server = await kept(start(place(name, events)));
    const before = server.pid() ?? 0;
    process.kill(before, 'SIGKILL');
    await waitFor('restart', isRestarted(events));
    expect(events.map(({ type }) => type)).toEqual(['ended', 'restarted']);
    expect(events[0]).toMatchObject({ exit: { code: null, signal: 'SIGKILL' } });
    expect(server.pid()).not.toBe(before);
  });

  it('chooses another port when its own is taken', async () => {
    const first = await start(place(`${name}-taken`));
    await first.stop();
    const port = Number(first.address.split(':').at(-1));
    const squatter = await new Promise<Server>((resolve) => {
      const listening = createServer().listen(port, '127.0.0.1', () => resolve(listening));
    });
    const second = await kept(start(place(`${name}-taken`)));
    expect(second.address).not.toBe(first.address);
    squatter.close();
  });

  it('refuses a second server on the same data', async () => {
    await kept(start(place(name)));
    await expect(start(place(name))).rejects.toMatchObject({
      code: 'server-failed',
      message: expect.stringMatching(/is already running on .* \(process \d+\)/),
    });
  });
});

describe('nats', () => {
  it('loses no acked message when it is killed', async () => {
    const events: ServerEvent[] = [];
    const server = await kept(startNatsServer(place('nats-acked', events)));
    const client = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
    await (await client.jetstreamManager()).streams.add({ name: 'acked', subjects: ['acked'] });
    let acked = 0;
    const payload = new Uint8Array(500);
    const publishing = Array.from({ length: 16 }, async () => {
      while (!isRestarted(events)()) {
        const ack = await client
          .jetstream()
          .publish('acked', payload, { timeout: 500 })
          .catch(() => undefined);
        if (ack !== undefined) acked = Math.max(acked, ack.seq);
      }
    });
    await waitFor('2,000 acks', () => acked > 2_000);
    process.kill(server.pid() ?? 0, 'SIGKILL');
    await Promise.all(publishing);
    const { state } = await waitFor('the stream', async () => (await client.jetstreamManager()).streams.info('acked'));
    expect(state.last_seq).toBeGreaterThanOrEqual(acked);
    expect(state.messages).toBe(state.last_seq);
    await client.close();
  });
});

describe('a server that cannot run', () => {
  const silent = () => Promise.reject(new Error('no answer'));

  it('fails with the end of its log after three exits', async () => {
    const options = place('failing');
    const args = ['-c', 'echo "cannot open the store" >&2; exit 9'];
    await expect(
      runServer({ name: 'made-up', command: 'sh', args: () => args, probe: silent }, options),
    ).rejects.toMatchObject({
      name: 'ConfigError',
      code: 'server-failed',
      message: expect.stringMatching(
        /^made-up exited 3 times within 10 s \(exit 9\); the end of .*failing.log:\n.*cannot open the store/,
      ),
    });
    expect(readFileSync(options.logFile, 'utf8').match(/cannot open/g)).toHaveLength(3);
  });

  it('reports an event when it fails after it was ready', async () => {
    const events: ServerEvent[] = [];
    const marker = join(root, 'doomed');
    const script = `[ -e ${marker} ] && exit 1; while [ ! -e ${marker} ]; do sleep 0.05; done; exit 1`;
    const args = () => ['-c', script];
    const probe = () => Promise.resolve();
    const server = await kept(
      runServer({ name: 'made-up', command: 'sh', args, probe }, place('doomed-server', events)),
    );
    writeFileSync(marker, '');
    await waitFor('failed', () => events.some(({ type }) => type === 'failed'));
    expect(server.pid()).toBeUndefined();
    await server.stop();
  });
});
