import { hostname } from 'node:os';
import { ConfigError } from '../../../../lib/errors';
import type { FunctionSpec } from '../../../../lib/plan/function-spec';
import { type NatsAccess, natsVariables } from '../../../../lib/plan/nats-access';
import { planFlow } from '../../../../lib/plan/plan-flow';
import { formatProblem } from '../../../../lib/topology/problem/problem';
import { createLog } from '../../../log';
import { readEnvironment } from '../../../replica/environment';
import { runReplica } from '../../../replica/replica';
import { isWorkerSpec } from '../../../worker/loop-spec';
import { loadTopology } from '../../documents/load-topology';
import { ExitStatus } from '../../frame/exit-status';
import type { Interrupts } from '../../frame/interrupts';
import { loginOf, type NatsChoice } from './stack-login';

export interface RunWorkerOptions extends NatsChoice {
  readonly file: string;
  readonly set: readonly string[];
}

/** Runs the replicas of a worker document in this process, each with the processes of its tasks, until an interrupt. */
export async function runWorker(options: RunWorkerOptions, openInterrupts: () => Interrupts): Promise<ExitStatus> {
  const { topology, problems, baseDir, name } = loadTopology(options.file, options.set);
  for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`);
  if (topology === undefined) return ExitStatus.Failed;
  const replicas = planFlow(topology, {}).workloads.flatMap(({ spec, replicas, container }) =>
    Array.from({ length: replicas }, (_, replica) => ({ spec, replica, variables: variablesOf(container.env) })),
  );
  if (!replicas.every(({ spec }) => isWorkerSpec(spec)))
    throw new ConfigError('config-invalid', `${name}: not a task worker: it has other functions; use kflow run`);
  const login = await loginOf(options, topology);
  const nats = login.access;
  const interrupts = openInterrupts();
  interrupts.exitAt = 2;
  const stop = new AbortController();
  void interrupts.first().then(() => stop.abort());
  try {
    const running = replicas.map(async (replica) => {
      await runOne({ ...replica, nats, baseDir, stop: stop.signal }).finally(() => stop.abort()); // one ends with the others
    });
    for (const end of await Promise.allSettled(running)) if (end.status === 'rejected') throw end.reason;
    return ExitStatus.Done;
  } finally {
    interrupts.close();
    login.close();
  }
}

interface Replica {
  readonly spec: FunctionSpec;
  readonly replica: number;
  readonly variables: NodeJS.ProcessEnv;
  readonly nats: NatsAccess;
  readonly baseDir: string;
  readonly stop: AbortSignal;
}

async function runOne({ spec, replica, variables, nats, baseDir, stop }: Replica): Promise<void> {
  const environment = readEnvironment({
    ...process.env,
    ...variables,
    ...natsVariables(nats),
    KFLOW_SPEC: '', // given
    KFLOW_BASE_DIR: baseDir,
    KFLOW_REPLICA: String(replica),
    KFLOW_REPLICA_NAME: `${hostname()}-${process.pid}`,
  });
  const format = process.env.KFLOW_LOG_FORMAT ?? 'text';
  const origin = { function: spec.function, replica: `${spec.function}-${replica}` };
  const log = createLog({ ...process.env, KFLOW_LOG_FORMAT: format }, origin, process.stderr);
  await runReplica(spec, environment, log, stop);
}

function variablesOf(env: readonly { readonly name: string; readonly value?: string }[]): NodeJS.ProcessEnv {
  return Object.fromEntries(env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));
}
