import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { controllerNodeOptions } from '../lib/plan/controller-requirements';
import { type GuardedProcess, spawnGuarded } from '../runtime/adapters/processes/guard';
import type { FlowStatus } from '../runtime/api-contract/flow-status';
import { Limit } from '../runtime/async/limit';
import { ensureKeyFile } from '../runtime/installation/key-file';
import { startNatsServer } from '../runtime/servers/nats-server';
import { startTemporalServer } from '../runtime/servers/temporal-server';
import { quantile } from './quantile';

/** Number of flows; `KFLOW_BENCH_FLOWS` overrides it. */
const flows = Number(process.env.KFLOW_BENCH_FLOWS ?? 200);
const atOnce = 4;
const functions = 5;

/**
 * Measures 200 flows of five functions on one controller with a cluster in memory: the time from submit until the flow is
 * Running and healthy, and the memory of the controller's process when all flows are running.
 */
export async function benchControlPlane(): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'kflow-bench-'));
  const place = (name: string) => ({ dataDir: path.join(folder, name), logFile: path.join(folder, `${name}.log`) });
  const nats = await startNatsServer(place('nats'));
  const temporal = await startTemporalServer(place('temporal'));
  const keyFile = path.join(folder, 'installation.key');
  ensureKeyFile(keyFile);
  const controller = startProcess({
    KFLOW_CONTROLLER_INSTALLATION_KEY_FILE: keyFile,
    KFLOW_CONTROLLER_NATS_URL: nats.url,
    KFLOW_CONTROLLER_NATS_REPLICAS: '1',
    KFLOW_CONTROLLER_TEMPORAL_ADDRESS: temporal.address,
    KFLOW_CONTROLLER_LISTEN_PORT: '0',
    KFLOW_RUNTIME_LOG_LEVEL: 'WARNING',
  });
  try {
    const url = await addressOf(controller);
    const ids = Array.from({ length: flows }, (_, number) => `flow-${number}`);
    const startedMs = performance.now();
    const times = await new Limit(atOnce).map(ids, (id) => timeSubmit(url, id));
    const wholeMs = performance.now() - startedMs;
    const list = performance.now();
    const statuses = (await (await fetch(`${url}/kflows/v1/bench?limit=1000`)).json()) as FlowStatus[];
    const listMs = performance.now() - list;
    if (statuses.length !== flows) throw new Error(`the list has ${statuses.length} flows`);
    const at = (part: number) => `${Math.round(quantile(times, part))} ms`;
    process.stdout.write(
      `control plane, ${flows} flows of ${functions} functions, ${atOnce} submitted at a time:\n` +
        `  submit to Running and healthy: median ${at(0.5)}, p99 ${at(0.99)}; all flows in ${(wholeMs / 1_000).toFixed(1)} s\n` +
        `  list of all flows with their health: ${Math.round(listMs)} ms\n` +
        `  memory of the controller: ${memoryMb(controller.pid)} MB\n`,
    );
  } finally {
    await controller.stop();
    await temporal.stop();
    await nats.stop();
    rmSync(folder, { recursive: true });
  }
}

async function timeSubmit(url: string, id: string): Promise<number> {
  const startedMs = performance.now();
  const flow = `${url}/kflows/v1/bench/${id}`;
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(flow, { method: 'POST', headers, body: JSON.stringify(topology()) });
  if (answer.status !== 201) throw new Error(`${answer.status}: ${await answer.text()}`);
  for (;;) {
    const { status, health } = (await (await fetch(flow)).json()) as FlowStatus;
    if (status === 'Running' && health.state === 'healthy') return performance.now() - startedMs;
    await delay(50);
  }
}

function topology(): object {
  const schema = { type: 'record', name: 'n', fields: [{ name: 'n', type: 'long' }] };
  const code = 'def f(ctx, event): return event';
  const dag = Array.from({ length: functions }, (_, index) => ({
    id: `f${index}`,
    type: index === 0 ? 'raw-source' : 'raw',
    ...(index === 0 ? { schema } : {}),
    meta: { name: 'f', code: index === 0 ? 'def f(): yield {"n": 1}' : code },
    out: index + 1 < functions ? [`f${index + 1}`] : [],
  }));
  return { dag };
}

function startProcess(env: { readonly [name: string]: string }): GuardedProcess {
  const program = path.join(__dirname, 'controller-once.js');
  return spawnGuarded({
    command: process.execPath,
    args: [controllerNodeOptions, program],
    env: { ...process.env, ...env },
    stdout: 'pipe',
    stderr: 2,
  });
}

/** The address that the controller prints when it is ready, perhaps after warnings. */
async function addressOf({ stdout }: GuardedProcess): Promise<string> {
  if (stdout === null) throw new Error('the controller has no stdout');
  for await (const line of createInterface(stdout)) {
    const { url } = JSON.parse(line) as { url?: string };
    if (url !== undefined) return url;
  }
  throw new Error('the controller ended before it was ready');
}

/** Resident memory of a process. */
function memoryMb(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kilobytes) / 1_024);
}
