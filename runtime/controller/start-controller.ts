import { assertRunnable } from '../../lib/plan/assert-runnable';
import type { Topology } from '../../lib/topology/document/topology';
import { connectNats } from '../adapters/jetstream/connection';
import { JetStreamFlowStore } from '../adapters/jetstream/jetstream-flow-store';
import { JetStreamStreams } from '../adapters/jetstream/jetstream-streams';
import { ReplicaReports } from '../adapters/jetstream/replica-reports';
import { S3Buckets } from '../adapters/s3/s3-buckets';
import { connectTemporal } from '../adapters/temporal/connect-temporal';
import { startTemporalWorker } from '../adapters/temporal/temporal-worker';
import { TemporalWorkflows } from '../adapters/temporal/temporal-workflows';
import type { Log } from '../log';
import { createAccess } from './api/access/access';
import { startApi } from './api/api-server';
import { createFlowActivities } from './flows/activities/create-flow-activities';
import { withHeartbeats } from './flows/activities/with-heartbeats';
import { FlowPlanner } from './flows/documents/flow-planner';
import { type FlowWorkflows, flowKind } from './flows/ports/flow-workflow';
import { AbandonedFlows } from './flows/service/abandoned-flows';
import { assertNamespace } from './flows/service/assert-namespace';
import { DocumentDesk, type DocumentDeskProps } from './flows/service/document-desk';
import { FlowController } from './flows/service/flow-controller';
import { FlowObserver } from './flows/service/flow-observer';
import { FlowStatuses } from './flows/service/flow-statuses';
import { openCluster } from './open-cluster';
import type { Cluster } from './ports/cluster';
import { whyNotReady } from './readiness';
import type { ControllerSettings } from './settings/settings';

/** An activity tries again, and tells why meanwhile. */
const storePatienceMs = 2_000;

export interface RunningController {
  /** Of the REST API. */
  readonly url: string;
  /** Takes no more, lets what runs end for some seconds; flows go on without it. */
  close(): Promise<void>;
}

export interface ControllerParts {
  readonly log: Log;
  /** Left out: the one that the settings name. */
  readonly cluster?: Cluster;
}

/**
 * Starts a controller: REST API, Temporal worker, and what watches the cluster. Resolves when the API answers. Throws
 * ConfigError and StoreError that name what cannot be reached.
 */
export async function startController(
  settings: ControllerSettings,
  parts: ControllerParts,
): Promise<RunningController> {
  const { log } = parts;
  const opened: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const end of opened.splice(0).reverse()) await end().catch((error) => log('WARNING', `at the end: ${error}`));
  };
  try {
    const { url } = await open(settings, parts, (end) => opened.push(end));
    return { url, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** `later` is told how to close each part, in the order in which they were opened. */
async function open(
  settings: ControllerSettings,
  { log, cluster: given }: ControllerParts,
  later: (end: () => Promise<unknown>) => void,
): Promise<{ readonly url: string }> {
  const connection = await connectNats(settings.nats.url, 'kflow controller');
  later(() => connection.close());
  const streams = await JetStreamStreams.open(connection);
  const store = await JetStreamFlowStore.open(connection, { replicas: settings.nats.replicas ?? 1 });
  const reports = new ReplicaReports(connection);
  later(async () => reports.close());
  const cluster = given ?? (await openCluster(settings.cluster, (error) => log('WARNING', error.message)));
  later(() => cluster.close());
  const temporal = await connectTemporal(settings.temporal, log);
  later(() => temporal.close());
  const workflows: FlowWorkflows = new TemporalWorkflows(temporal.client, settings.temporal.taskQueue, flowKind);
  const planner = new FlowPlanner(store, planSettings(settings));
  const pods = { image: settings.pods.image, natsUrl: settings.pods.natsUrl ?? settings.nats.url };
  const buckets = new S3Buckets({ makesSources: settings.s3.override !== undefined, retryForMs: storePatienceMs });
  const closeWorkflow = workflows.closeAs.bind(workflows);
  const activities = createFlowActivities({ cluster, streams, buckets, store, planner, pods, closeWorkflow });
  const worker = await startTemporalWorker({
    connection: temporal.native,
    settings: settings.temporal,
    activities: withHeartbeats(activities),
    log,
  });
  later(() => worker.close());
  const service = new FlowController({
    workflows,
    store,
    cluster,
    planner,
    desk: new DocumentDesk({ store, planner, pods, ...clusterRules(settings.cluster) }),
    statuses: new FlowStatuses({ workflows, store, cluster, streams, planner, reports }),
    limits: {
      pauseGraceMs: settings.times.pauseGraceSeconds * 1_000,
      readyTimeoutMs: settings.times.readySeconds * 1_000,
      historyLength: settings.temporal.historyLength,
    },
    whyNotReady: () => whyNotReady({ workflows, store, worker }),
  });
  const observer = new FlowObserver({
    cluster,
    workflows,
    remove: (flow) => service.remove(flow),
    onTrouble: (text) => log('WARNING', text),
  });
  await observer.start();
  later(() => observer.close());
  const abandoned = new AbandonedFlows({
    cluster,
    workflows,
    abandon: (flow) => service.abandon(flow),
    onTrouble: (text) => log('WARNING', text),
  });
  await abandoned.start();
  later(() => abandoned.close());
  const { host, port } = settings.listen;
  const api = await startApi({ service, access: await createAccess(settings.access, log), log, host, port });
  later(() => api.close());
  return api;
}

/** What a cluster says of a topology that it cannot run, or not all of. */
function clusterRules(cluster: ControllerSettings['cluster']): Pick<DocumentDeskProps, 'assertRunnable' | 'purpose'> {
  if (cluster.kind === 'processes') return { assertRunnable, purpose: 'run' };
  const assertOwn = (topology: Topology) => assertNamespace(topology, cluster.namespaces);
  return { assertRunnable: assertOwn, purpose: 'controller' };
}

function planSettings({ s3, nats, cluster }: ControllerSettings) {
  return {
    ...(s3.override === undefined ? {} : { s3Override: s3.override }),
    ...(s3.default === undefined ? {} : { s3Default: s3.default }),
    ...(s3.messageBucket === undefined ? {} : { messageBucketDefault: s3.messageBucket }),
    ...(nats.replicas === undefined ? {} : { streamReplicas: nats.replicas }),
    ...(cluster.kind === 'kubernetes' ? { hasClusterSecrets: true as const } : {}),
  };
}
