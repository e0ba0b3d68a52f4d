import { createHash } from 'node:crypto';
import { connectNats, openOver } from '../adapters/jetstream/access/connect-nats';
import { outageStatuses } from '../adapters/jetstream/access/outage-statuses';
import { JetStreamTaskLinks } from '../adapters/jetstream/tasks/task-links';
import { atMost } from '../async/at-most';
import type { WorkerSpec } from '../worker/loop-spec';
import { jsonSchemas } from '../worker/task-calls';
import { TaskWorker } from '../worker/task-worker';
import { aborted, hostOf, type ReplicaContext, replicaName, startCounterReports } from './replica-context';

type TaskContext = Omit<ReplicaContext, 'links' | 'spec'> & { readonly spec: WorkerSpec };

type Connection = ReplicaContext['links']['connection'];

/** How long a stopped worker waits for the server's last answers. */
const settleMs = 2_000;

/** Runs the tasks of a task namespace until `stop`. Rejects when the code can no longer be run. */
export async function runTasks(context: TaskContext): Promise<void> {
  const { spec, environment, log, stop } = context;
  const warn = (text: string) => log('WARNING', text);
  const name = `${spec.namespace}/${spec.jobId}/${spec.function}-${environment.replica}`;
  const opening = connectNats(environment.nats, name, { trouble: warn, absent: warn });
  const connection = await Promise.race([opening, aborted(stop)]);
  if (connection === undefined) {
    opening.then((late) => late.close()).catch(() => undefined);
    log('INFO', 'stopped before it connected');
    return;
  }
  await openOver(connection, () => runConnected(context, connection));
  await connection.close();
  const { in: taken, failed } = context.counters;
  log('INFO', `stopped: ${taken} tasks succeeded, ${failed} failed`);
}

async function runConnected(context: TaskContext, connection: Connection): Promise<void> {
  const { spec, environment, log, health, counters, stop, observer, tracer } = context;
  health.connectionIs('up');
  void connection.closed().then(() => health.connectionIs('closed'));
  const { namespace, taskNamespace } = spec;
  const worker = workerName(context);
  const links = await JetStreamTaskLinks.open(connection, { namespace, taskNamespace, worker }, (text) =>
    log('WARNING', text),
  );
  void watchConnection(context, connection, links);
  const reports = startCounterReports({ ...context, links: { connection } });
  health.enter('loading');
  const tasks = new TaskWorker({
    spec,
    worker,
    version: versionOf(spec),
    links,
    createHost: (own, events) => hostOf({ spec: own, environment, log, links: { schemas: jsonSchemas } }, events),
    counters,
    log,
    ...(observer === undefined ? {} : { observer }),
    tracer,
  });
  context.watchInFlight?.(() => tasks.inFlight);
  try {
    let onBroken: (cause: Error) => void = () => undefined;
    const broken = new Promise<never>((_, reject) => {
      onBroken = reject;
    });
    broken.catch(() => undefined); // raced below
    await tasks.start((cause) => {
      health.hostDied();
      onBroken(cause);
    });
    health.enter('working');
    const names = Object.keys(spec.tasks).join(', ');
    log('INFO', `worker ${worker} of the task namespace ${taskNamespace} started, process ${process.pid}: ${names}`);
    await Promise.race([aborted(stop), broken]);
    health.enter('ending');
  } finally {
    await tasks.stop(stop.aborted ? environment.shutdownMs : 0);
    await atMost(settleMs, links.settled());
    reports.stop();
    links.close();
  }
}

async function watchConnection(
  { log, health }: TaskContext,
  connection: Connection,
  links: JetStreamTaskLinks,
): Promise<void> {
  for await (const { type } of outageStatuses(connection.status())) {
    if (type === 'disconnect') {
      health.connectionIs('lost');
      log('WARNING', 'lost the connection to NATS; reconnecting');
    }
    if (type !== 'reconnect') continue;
    health.connectionIs('up');
    log('INFO', 'reconnected to NATS');
    links.reconnected();
  }
}

/** Names the process, as one token; with its identity, so that the next one in its place has the same. */
function workerName({ spec, environment }: TaskContext): string {
  return `${replicaName({ spec, environment })}-${environment.identity}`.replaceAll(/[^A-Za-z0-9_-]/g, '-');
}

/** Changes with the code and the declarations of the tasks. */
function versionOf({ tasks }: WorkerSpec): string {
  return createHash('sha256').update(JSON.stringify(tasks)).digest('hex').slice(0, 8);
}
