import { randomInt } from 'node:crypto';
import { hostname } from 'node:os';
import type { NatsAccess } from '../../../../lib/plan/nats-access';
import { timing } from '../../../../lib/plan/replica-lifecycle';
import { Random } from '../../../../lib/random';
import { builtInNamespaces } from '../../../../lib/tasks/compile/built-in-tasks';
import { type OpenTaskLinks, openTaskLinks } from '../../../adapters/jetstream/tasks/open-task-links';
import { openTaskNamespaces, type TaskNamespaces } from '../../../adapters/jetstream/tasks/open-task-namespaces';
import { atMost } from '../../../async/at-most';
import { pause } from '../../../async/pause';
import { createLog, type Log } from '../../../log';
import { aborted } from '../../../replica/replica-context';
import { SimulatedWorker, type SimulatedWorkerProps, simulatedLanguage } from '../../../worker/simulated-worker';
import { ExitStatus, usageError } from '../../frame/exit-status';
import type { Interrupts } from '../../frame/interrupts';
import { loginOf, type NatsChoice } from './stack-login';

export interface SimulateOptions extends NatsChoice {
  /** Task namespaces; none: all that have no other worker. */
  readonly names: readonly string[];
  readonly waitPeriod: number | undefined;
  /** In percent. */
  readonly failures: number;
  readonly seed: number | undefined;
  readonly namespace: string;
}

/** How soon a task namespace is taken that has tasks and no worker, or is left to a worker that has started. */
const lookEveryMs = 1_000;
/** How long a worker that has stopped waits for the server's last answers. */
const settleMs = timing.closeSeconds * 1_000;

/** Simulates tasks until an interrupt. Throws CommandError for what is no task namespace of workers. */
export async function runSimulate(options: SimulateOptions, openInterrupts: () => Interrupts): Promise<ExitStatus> {
  const { names, namespace, waitPeriod = 3_000, failures, seed = randomInt(2 ** 31) } = options;
  for (const name of names) assertTaskNamespace(name);
  const login = await loginOf(options, { namespace, jobId: 'simulate' });
  const log = createLog(
    { ...process.env, KFLOW_LOG_FORMAT: process.env.KFLOW_LOG_FORMAT ?? 'text' },
    {},
    process.stderr,
  );
  const random = new Random(seed);
  const worker = `simulate-${hostname()}-${process.pid}`.replaceAll(/[^A-Za-z0-9_-]/g, '-');
  const each = { namespace, worker, periodMs: waitPeriod, failures: failures / 100, random: () => random.next(), log };
  const workers = new SimulatedWorkers(login.access, each);
  const interrupts = openInterrupts();
  interrupts.exitAt = 2;
  const stop = new AbortController();
  void interrupts.first().then(() => {
    log('INFO', `ending: running tasks have ${timing.shutdownSeconds} s; press Ctrl-C again to end at once`);
    stop.abort();
  });
  try {
    log('INFO', `simulating tasks, seed ${seed}`);
    if (names.length === 0) await takeUnattended(workers, { access: login.access, namespace, log, stop: stop.signal });
    else {
      await workers.takeOnly(names);
      await aborted(stop.signal);
    }
    return ExitStatus.Done;
  } finally {
    await workers.takeOnly([]);
    interrupts.close();
    login.close();
  }
}

function assertTaskNamespace(name: string): void {
  if (!/^[A-Za-z_][\w-]*$/.test(name)) throw usageError(`want a task namespace, as mail of mail:send, got "${name}"`);
  if (builtInNamespaces.has(name)) throw usageError(`the controller itself runs the tasks of ${name}`);
}

interface Look {
  readonly access: NatsAccess;
  readonly namespace: string;
  readonly log: Log;
  readonly stop: AbortSignal;
}

/** Takes the tasks of each task namespace as long as it has no other worker. Rejects if that fails the first time. */
async function takeUnattended(workers: SimulatedWorkers, { access, namespace, log, stop }: Look): Promise<void> {
  const namespaces = await openTaskNamespaces(access, namespace, (text) => log('WARNING', text));
  try {
    await workers.takeOnly(await unattended(namespaces));
    log('INFO', 'takes the tasks of each task namespace that has no other worker');
    while (!stop.aborted) {
      await pause(lookEveryMs, stop);
      if (!stop.aborted) await unattended(namespaces).then((names) => workers.takeOnly(names), warn);
    }
  } finally {
    await namespaces.close();
  }

  function warn(error: Error): void {
    log('WARNING', `cannot list the task namespaces: ${error.message}; retrying`);
  }
}

async function unattended(namespaces: TaskNamespaces): Promise<readonly string[]> {
  const [names, workers] = await Promise.all([namespaces.names(), namespaces.workers()]);
  const others = workers.filter(({ language }) => language !== simulatedLanguage);
  return names.filter((name) => others.every(({ taskNamespace }) => taskNamespace !== name));
}

interface Running {
  readonly worker: SimulatedWorker;
  readonly connection: OpenTaskLinks;
}

/** The simulated workers of this process, one for each task namespace. */
class SimulatedWorkers {
  private readonly running = new Map<string, Running>();

  constructor(
    private readonly access: NatsAccess,
    private readonly each: Omit<SimulatedWorkerProps, 'taskNamespace' | 'links'>,
  ) {}

  /** Takes the tasks of these task namespaces, and of no others. */
  async takeOnly(names: readonly string[]): Promise<void> {
    for (const name of names) if (!this.running.has(name)) await this.start(name);
    const others = [...this.running].filter(([name]) => !names.includes(name));
    await Promise.all(others.map(([name, running]) => this.stop(name, running)));
  }

  private async start(taskNamespace: string): Promise<void> {
    const { namespace, worker, log } = this.each;
    const place = { namespace, taskNamespace, worker };
    const connection = await openTaskLinks(this.access, place, (text) => log('WARNING', text));
    const started = new SimulatedWorker({ ...this.each, taskNamespace, links: connection.links });
    this.running.set(taskNamespace, { worker: started, connection });
    await started.start();
    log('INFO', `takes the tasks of ${taskNamespace}`);
  }

  private async stop(taskNamespace: string, { worker, connection }: Running): Promise<void> {
    this.running.delete(taskNamespace);
    await worker.stop(timing.shutdownSeconds * 1_000);
    await atMost(settleMs, connection.links.settled());
    await connection.close();
    this.each.log('INFO', `left the tasks of ${taskNamespace}`);
  }
}
