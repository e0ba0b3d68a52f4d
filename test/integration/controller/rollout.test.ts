import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type RunningNode, startProcessNode } from '../../../runtime/adapters/processes/process-node';
import { ensureKeyFile } from '../../../runtime/installation/key-file';
import { type NatsServer, startNatsServer } from '../../../runtime/servers/nats-server';
import { startTemporalServer, type TemporalServer } from '../../../runtime/servers/temporal-server';
import { ConnectionBalancer } from '../../support/connection-balancer';
import { type KflowCommand, Workplace } from '../../support/kflow-cli';
import { serverFiles } from '../../support/server-files';
import { waitFor } from '../../support/wait-for';

/** Connections that an old replica still gets after it was told to end. */
const staleConnections = 30;

let folder: string;
let nats: NatsServer;
let temporal: TemporalServer;
let node: RunningNode;
let balancer: ConnectionBalancer;
let config: string;
const place = new Workplace();

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'kflow-ro-'));
  const at = (name: string) => serverFiles(folder, name);
  nats = await startNatsServer(at('nats'));
  temporal = await startTemporalServer(at('temporal'));
  const socket = path.join(folder, 'node.sock');
  node = await startProcessNode({
    directory: path.join(folder, 'node'),
    socketPath: socket,
    env: { KFLOW_NATS_URL: nats.url },
  });
  balancer = await ConnectionBalancer.start();
  const keyFile = path.join(folder, 'installation.key');
  ensureKeyFile(keyFile);
  config = path.join(folder, 'controller.json');
  const settings = {
    listen: { host: '127.0.0.1', port: 0, shutdownDelaySeconds: 5 },
    nats: { url: nats.url, replicas: 1 },
    temporal: { address: temporal.address },
    installation: { keyFile },
    cluster: { kind: 'processes', socket },
  };
  writeFileSync(config, JSON.stringify(settings));
});

afterAll(async () => {
  place.remove();
  await balancer?.close();
  await node?.close();
  await temporal?.stop();
  await nats?.stop();
  rmSync(folder, { recursive: true });
});

/** A controller in a process of its own, once it is ready. */
async function replica(): Promise<{ readonly command: KflowCommand; readonly url: string }> {
  const command = place.kflow('controller', '--config', config);
  const url = await command.waitFor(/listening at (http:[^"\s]+)/, () => command.stdout);
  await waitFor('a ready controller', async () => (await statusOf(`${url}/readyz`)) === 200);
  balancer.add(url);
  return { command, url };
}

function statusOf(url: string, agent: http.Agent | false = false): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode));
      response.once('error', reject);
    });
    request.once('error', reject);
  });
}

/** Sends requests one after the other until it is ended, and counts what became of them. */
class Client {
  readonly outcomes: { [outcome: string]: number } = {};
  private isEnded = false;
  private readonly work: Promise<void>;

  /** Without an agent, each request has a connection of its own. */
  constructor(private readonly agent: http.Agent | false) {
    this.work = this.run();
  }

  get count(): number {
    return Object.values(this.outcomes).reduce((sum, each) => sum + each, 0);
  }

  async end(): Promise<void> {
    this.isEnded = true;
    await this.work;
    if (this.agent) this.agent.destroy();
  }

  private async run(): Promise<void> {
    while (!this.isEnded) {
      const outcome = await statusOf(`${balancer.url}/kflows/v1`, this.agent).catch((error) => error.message);
      this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
    }
  }
}

test('a rollout of two controllers serves every request, on new connections and on kept ones', async () => {
  let old = [await replica(), await replica()];
  const clients = [
    new Client(false),
    new Client(false),
    new Client(new http.Agent({ keepAlive: true, maxSockets: 1 })),
  ];
  const young: typeof old = [];
  for (const { command, url } of old) {
    young.push(await replica());
    const before = clients.map(({ count }) => count);
    command.process.kill('SIGTERM');
    await waitFor('the old controller not to be ready', async () => (await statusOf(`${url}/readyz`)) === 503);
    // an endpoint is removed late
    const late = await Promise.all(Array.from({ length: staleConnections }, () => statusOf(`${url}/kflows/v1`)));
    balancer.remove(url);
    expect(late.filter((status) => status !== 200)).toEqual([]);
    expect(await command.exited).toBe(0);
    for (const [index, { count }] of clients.entries()) expect(count).toBeGreaterThan(before[index] ?? 0);
  }
  old = young;
  for (const client of clients) await client.end();
  for (const { outcomes, count } of clients) expect(outcomes).toEqual({ 200: count });
  for (const { command } of old) command.process.kill('SIGTERM');
  for (const { command } of old) expect(await command.exited).toBe(0);
});
