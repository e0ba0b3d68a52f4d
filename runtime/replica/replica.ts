import type { FunctionSpec } from '../../lib/plan/function-spec';
import { type FunctionType, kindOf } from '../../lib/topology/function-type';
import { startCounterReports } from './counter-reports';
import type { ReplicaEnvironment } from './environment';
import { ReplicaLinks } from './links';
import type { ReplicaContext } from './replica-context';
import { runReader } from './run-reader';
import { runSource } from './run-source';

/**
 * Runs one replica of one function until its input has ended (batch), or until `stop`. Rejects with ConfigError for what
 * another start would not mend.
 */
export async function runReplica(
  spec: FunctionSpec,
  environment: ReplicaEnvironment,
  log: ReplicaContext['log'],
  stop: AbortSignal,
): Promise<void> {
  const links = await ReplicaLinks.open(spec, environment, log);
  const counters = { in: 0, out: 0, failed: 0, dead: 0 };
  const context = { spec, environment, links, counters, log, stop };
  const reports = startCounterReports(context);
  const isSource = kindOf(spec.type as FunctionType) === 'source';
  await (isSource ? runSource(context) : runReader(context));
  reports.stop();
  await links.close();
  const { in: taken, out, failed, dead } = counters;
  log(
    'INFO',
    `${stop.aborted ? 'stopped' : 'done'}: ${taken} in, ${out} out, ${failed} failed tries, ${dead} given up`,
  );
}
