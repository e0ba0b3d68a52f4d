import type { FunctionSpec } from '../../lib/plan/function-spec';
import { timing } from '../../lib/plan/replica-lifecycle';
import { kindOf } from '../../lib/topology/function-types/function-type';
import { letterLevels } from '../adapters/jetstream/letters/letter-levels';
import { readBacklogs } from '../adapters/jetstream/partitions/input-progress';
import { openTracer } from '../adapters/opentelemetry/open-tracer';
import { isWorkerSpec } from '../worker/loop-spec';
import { reportEarlierEnd } from './earlier-end';
import type { ReplicaEnvironment } from './environment';
import { HttpEndpoint } from './http-endpoint';
import { whyIncomplete } from './incomplete-end';
import { ReplicaLinks } from './links';
import { makeBuckets } from './make-buckets';
import { openReaderLinks } from './reader-links';
import { aborted, type ReplicaContext, replicaName, startCounterReports } from './replica-context';
import { ReplicaHealth } from './replica-health';
import { ReplicaMetrics } from './replica-metrics';
import { runReader } from './run-reader';
import { runSource } from './run-source';
import { runSteps } from './run-steps';
import { runTasks } from './run-tasks';
import { Upkeep } from './upkeep';

/** How long a replica that was stopped, or has failed, waits for the server's last answers. */
const closeMs = timing.closeSeconds * 1_000;
/** How long a replica that ends still exports spans; when it is stopped, its time is limited. */
const spanMs = { ended: 5_000, stopped: 1_000 };

/** How a replica that did not fail has ended. */
export type ReplicaEnd =
  /** All input is processed. */
  | { readonly is: 'done' }
  /** All input is processed, but records were given up on or removed; nobody but the replica reports that. */
  | { readonly is: 'incomplete'; readonly reason: string }
  /** On request. */
  | { readonly is: 'stopped' }
  /** An input stream was recreated, or the flow's next run has begun: the replica must start again. */
  | { readonly is: 'outdated' };

/**
 * Runs one replica of one function until its inputs have ended (batch) or until `stop`. Rejects with ConfigError when a
 * restart cannot help. With `environment.http`, probes are served from before it connects until it has closed.
 */
export async function runReplica(
  spec: FunctionSpec,
  environment: ReplicaEnvironment,
  log: ReplicaContext['log'],
  stop: AbortSignal,
): Promise<ReplicaEnd> {
  const { http, env } = environment;
  const tracer = await openTracer({ spec, replica: replicaName({ spec, environment }), env, log });
  const health = new ReplicaHealth(stop);
  const counters = { in: 0, out: 0, failed: 0, dead: 0 };
  const errorCounts = { sent: 0, dropped: 0 };
  const metrics = http?.hasMetrics === true ? new ReplicaMetrics(spec, counters, errorCounts) : undefined;
  const watchInFlight = metrics && ((read: () => number) => metrics.watchInFlight(read));
  const endpoint = http === undefined ? undefined : await HttpEndpoint.open({ ...http, health, metrics, log });
  const onLinks = (links: ReplicaLinks) => {
    metrics?.watchLetters(() => letterLevels(links.manager, spec));
    metrics?.watchLinks(links, () => readBacklogs(links.manager, spec.inputs));
  };
  try {
    const parts = {
      spec,
      environment,
      counters,
      errorCounts,
      health,
      observer: metrics,
      watchInFlight,
      tracer,
      log,
      stop,
    };
    if (isWorkerSpec(spec)) {
      await runTasks({ ...parts, spec });
      return { is: 'stopped' };
    }
    if (spec.steps === undefined) return await runConnected(parts, onLinks);
    await runSteps(parts, spec.steps);
    return { is: 'stopped' };
  } finally {
    await tracer?.close(stop.aborted ? spanMs.stopped : spanMs.ended);
    await endpoint?.close();
  }
}

async function runConnected(
  unconnected: Omit<ReplicaContext, 'links'>,
  onLinks: (links: ReplicaLinks) => void,
): Promise<ReplicaEnd> {
  const { spec, environment, log, health, counters, stop } = unconnected;
  const opening = ReplicaLinks.open({ spec, environment, log, onConnection: (state) => health.connectionIs(state) });
  const links = await Promise.race([opening, aborted(stop)]);
  if (links === undefined) {
    // no record is held yet; the connection is closed as soon as it opens
    opening.then((late) => late.close()).catch(() => undefined);
    log('INFO', 'stopped before it connected');
    return { is: 'stopped' };
  }
  onLinks(links);
  const upkeep = await Upkeep.start({ ...unconnected, links });
  const context = { ...unconnected, links, stop: AbortSignal.any([stop, upkeep.replaced]) };
  const reports = startCounterReports(context);
  health.enter('loading');
  const isSource = kindOf(spec.type) === 'source';
  let hasEnded = false;
  let earlierEnd: string | undefined;
  try {
    earlierEnd = await reportEarlierEnd(context);
    await makeBuckets(context);
    if (isSource) await runSource(context);
    else await runReader({ ...context, links: await openReaderLinks(context) });
    hasEnded = true;
    health.enter('ending');
  } finally {
    await upkeep.close();
    reports.stop();
    if (!hasEnded) await links.close(closeMs);
  }
  const end = await endOf(context, { isStopped: stop.aborted, isOutdated: upkeep.replaced.aborted });
  await links.close(stop.aborted ? closeMs : undefined);
  const { in: taken, out, failed, dead } = counters;
  log(
    'INFO',
    `${stop.aborted ? 'stopped' : end.is}: ${taken} in, ${out} out, ${failed} failed attempts, ${dead} dead letters${earlierEnd === undefined ? '' : `; ${earlierEnd}`}`,
  );
  return end;
}

async function endOf(
  context: ReplicaContext,
  { isStopped, isOutdated }: { readonly isStopped: boolean; readonly isOutdated: boolean },
): Promise<ReplicaEnd> {
  if (isStopped) return { is: 'stopped' };
  if (isOutdated) return { is: 'outdated' };
  const { spec, environment } = context;
  const reason = spec.mode === 'stream' || environment.isWatched ? undefined : await whyIncomplete(context);
  return reason === undefined ? { is: 'done' } : { is: 'incomplete', reason };
}
