import type { FunctionSpec } from '../../lib/plan/function-spec';
import { kindOf } from '../../lib/topology/function-types/function-type';
import { startCounterReports } from './counter-reports';
import type { ReplicaEnvironment } from './environment';
import { HttpEndpoint } from './http-endpoint';
import { ReplicaLinks } from './links';
import { aborted, type ReplicaContext } from './replica-context';
import { ReplicaHealth } from './replica-health';
import { ReplicaMetrics } from './replica-metrics';
import { runReader } from './run-reader';
import { runSource } from './run-source';

/**
 * Runs one replica of one function until its input has ended (batch), or until `stop`. Rejects with ConfigError for what
 * another start would not mend. With `environment.http` it answers probes from before it connects until all is closed.
 */
export async function runReplica(
  spec: FunctionSpec,
  environment: ReplicaEnvironment,
  log: ReplicaContext['log'],
  stop: AbortSignal,
): Promise<void> {
  const { http } = environment;
  const health = new ReplicaHealth(stop);
  const counters = { in: 0, out: 0, failed: 0, dead: 0 };
  const metrics = http?.hasMetrics === true ? new ReplicaMetrics(spec, counters) : undefined;
  const endpoint = http === undefined ? undefined : await HttpEndpoint.open({ ...http, health, metrics, log });
  try {
    await runConnected({ spec, environment, counters, health, observer: metrics, log, stop });
  } finally {
    await endpoint?.close();
  }
}

async function runConnected(unconnected: Omit<ReplicaContext, 'links'>): Promise<void> {
  const { spec, environment, log, health, counters, stop } = unconnected;
  const opening = ReplicaLinks.open({ spec, environment, log, onConnection: (state) => health.connectionIs(state) });
  const links = await Promise.race([opening, aborted(stop)]);
  if (links === undefined) {
    // nothing is held yet; whatever still opens is closed again
    opening.then((late) => late.close()).catch(() => undefined);
    log('INFO', 'stopped before it was connected');
    return;
  }
  const context = { ...unconnected, links };
  const reports = startCounterReports(context);
  health.enter('loading');
  const isSource = kindOf(spec.type) === 'source';
  await (isSource ? runSource(context) : runReader(context));
  health.enter('ending');
  reports.stop();
  await links.close();
  const { in: taken, out, failed, dead } = counters;
  log(
    'INFO',
    `${stop.aborted ? 'stopped' : 'done'}: ${taken} in, ${out} out, ${failed} failed tries, ${dead} given up`,
  );
}
