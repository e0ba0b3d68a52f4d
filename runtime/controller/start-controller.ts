import type { WorkloadSettings } from '../../lib/constructs/controlled-flow';
import { ConfigError } from '../../lib/errors';
import { assertRunnable } from '../../lib/plan/plan-flow';
import { FetchRequests } from '../adapters/http/fetch-requests';
import { claimStore } from '../adapters/jetstream/flow-store/claim-store';
import { JetStreamExecutionStore } from '../adapters/jetstream/flow-store/jetstream-execution-store';
import { JetStreamFlowStore } from '../adapters/jetstream/flow-store/jetstream-flow-store';
import { JetStreamRevisionStore } from '../adapters/jetstream/revisions/jetstream-revision-store';
import { S3Buckets } from '../adapters/s3/s3-buckets';
import { S3StoredObjects } from '../adapters/s3/s3-stored-objects';
import { claimTaskQueue } from '../adapters/temporal/claim-task-queue';
import { connectTemporal } from '../adapters/temporal/connect-temporal';
import { TemporalExecutions } from '../adapters/temporal/temporal-executions';
import { TemporalSchedules } from '../adapters/temporal/temporal-schedules';
import { startTemporalWorker } from '../adapters/temporal/temporal-worker';
import { TemporalWorkflows } from '../adapters/temporal/temporal-workflows';
import { pause } from '../async/pause';
import type { InstallationKey } from '../installation/installation-key';
import { readKeyFile } from '../installation/key-file';
import type { Log } from '../log';
import { AccessGuard } from './access-guard';
import { createAccess } from './api/access/access';
import { startApi } from './api/api-server';
import { type OpenExecutions, openExecutions } from './executions/open-executions';
import type { ExecutionController } from './executions/service/execution-controller';
import { withHeartbeats } from './flows/activities/activity-lease';
import { createFlowActivities } from './flows/activities/create-flow-activities';
import { FlowPlanner } from './flows/documents/flow-planner';
import type { FlowService } from './flows/ports/flow-service';
import { type FlowWorkflows, flowKind } from './flows/ports/flow-workflow';
import { assertServed, DocumentAdmission, type DocumentAdmissionProps } from './flows/service/document-admission';
import { FlowController } from './flows/service/flow-controller';
import { FlowObserver } from './flows/service/flow-observer';
import { FlowStatuses } from './flows/service/flow-statuses';
import { LoginRenewal } from './flows/service/login-renewal';
import { OrphanedFlows } from './flows/service/orphaned-flows';
import { WorkloadObserver } from './flows/service/workload-observer';
import { type ControllerNats, openNats } from './open-nats';
import type { Cluster } from './ports/cluster';
import type { MachineServers } from './ports/machine-servers';
import { whyNotReady } from './readiness';
import { RevisionController } from './revisions/service/revision-controller';
import type { ControllerSettings } from './settings/settings';

/** How long an activity retries a bucket before it reports the failure; the activity itself is retried too. */
const bucketRetryMs = 2_000;

export interface RunningController {
  /** URL of the REST API. */
  readonly url: string;
  /** Serves the REST API. */
  readonly service: FlowService;
  readonly executions: ExecutionController;
  /** Resolves with the reason when the controller cannot work any more until it is started again. */
  readonly lost: Promise<string>;
  /** Stops accepting work and waits some seconds for work in progress; flows keep running without the controller. */
  close(): Promise<void>;
}

export interface ControllerParts {
  readonly log: Log;
  /** Default: the cluster of the settings. */
  readonly cluster?: Cluster;
}

/** Registers a function that closes a part. Parts are closed in reverse order. */
type OnClose = (close: () => Promise<unknown>) => void;

/**
 * Starts a controller: the REST API, a Temporal worker, and the watchers of the cluster. Resolves when the API listens.
 * Throws ConfigError or StoreError that names the server that cannot be reached.
 */
export async function startController(
  settings: ControllerSettings,
  parts: ControllerParts,
): Promise<RunningController> {
  const { log } = parts;
  const opened: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const end of opened.splice(0).reverse()) {
      await end().catch((error) => log('WARNING', `cannot close a part of the controller: ${error}`));
    }
  };
  try {
    return { ...(await open(settings, parts, (end) => opened.push(end))), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function open(
  settings: ControllerSettings,
  parts: ControllerParts,
  onClose: OnClose,
): Promise<Omit<RunningController, 'close'>> {
  const { log } = parts;
  const guard = new AccessGuard(log);
  onClose(async () => guard.close());
  const clients = await connect(settings, { ...parts, guard }, onClose);
  const shutdown = { isRequested: false };
  const { service, executions } = await startServices(settings, { ...clients, guard, shutdown, log }, onClose);
  await startWatchers({ ...clients, service, log }, onClose);
  const { host, port, tls, shutdownDelaySeconds } = settings.listen;
  const access = await createAccess(settings.access, log);
  const { cluster } = clients;
  const api = await startApi({
    service,
    executions,
    revisions: new RevisionController(clients.revisionStore),
    access,
    log,
    host,
    port,
    ...(tls === undefined ? {} : { tls }),
    ...(cluster.metrics === undefined ? {} : { replicaMetrics: () => cluster.metrics?.() ?? Promise.resolve('') }),
  });
  onClose(() => api.close());
  onClose(async () => {
    // a Service keeps sending clients to a pod for some seconds after the pod was told to end
    shutdown.isRequested = true;
    api.drain();
    guard.retire();
    await pause(shutdownDelaySeconds * 1_000);
  });
  return { url: api.url, service, executions, lost: guard.lost };
}

interface Clients {
  readonly key: InstallationKey;
  readonly nats: ControllerNats;
  readonly store: JetStreamFlowStore;
  readonly executionStore: JetStreamExecutionStore;
  readonly revisionStore: JetStreamRevisionStore;
  readonly cluster: Cluster;
  readonly temporal: Awaited<ReturnType<typeof connectTemporal>>;
  readonly workflows: FlowWorkflows;
}

async function connect(
  settings: ControllerSettings,
  { log, cluster: given, guard }: ControllerParts & { readonly guard: AccessGuard },
  onClose: OnClose,
): Promise<Clients> {
  const key = await openKey(settings, log);
  const nats = await openNats(settings.nats, key, { log, login: guard.watch('NATS') });
  onClose(() => nats.close());
  const replicas = settings.nats.replicas ?? 1;
  const { installation } = key;
  const claimQueue = await claimStore(nats.connection, { installation, temporal: settings.temporal, replicas });
  const store = await JetStreamFlowStore.open(nats.connection, { replicas, key });
  const executionStore = await JetStreamExecutionStore.open({ connection: nats.connection, replicas, key });
  const revisionStore = await JetStreamRevisionStore.open({ connection: nats.connection, replicas, key });
  void reseal([() => store.resealDocuments(), () => executionStore.reseal(), () => revisionStore.reseal()], log);
  const onTrouble = (error: Error) => log('WARNING', error.message);
  const cluster = given ?? (await openCluster(settings.cluster, { onTrouble, guard }));
  onClose(() => cluster.close());
  const temporal = await connectTemporal(settings.temporal, log);
  onClose(() => temporal.close());
  await claimTaskQueue(temporal.client, settings.temporal, installation);
  const workflows: FlowWorkflows = new TemporalWorkflows(temporal.client, settings.temporal.taskQueue, flowKind);
  await claimQueue(async (flow) => (await workflows.describe(flow))?.memo !== undefined);
  return { key, nats, store, executionStore, revisionStore, cluster, temporal, workflows };
}

/** The installation key: of the file, or of the Secret in the cluster. */
async function openKey({ installation, cluster }: ControllerSettings, log: Log): Promise<InstallationKey> {
  const { keyFile, secret, namespace } = installation;
  if (keyFile !== undefined) return readKeyFile(keyFile);
  if (cluster.kind === 'processes') {
    const advice = 'name a file with 32 random bytes as base64 (openssl rand -base64 32), and keep a copy of it';
    throw new ConfigError('setting-missing', `installation.keyFile: missing; ${advice}`);
  }
  const { InstallationSecret } = await import('../adapters/kubernetes/installation-secret.js');
  const opened = await InstallationSecret.open(cluster, { secret, namespace });
  const { key, isNew } = await opened.ensure().finally(() => opened.close());
  if (isNew)
    log(
      'WARNING',
      `made the installation key, the Secret ${opened.name}; keep a copy of it: stored documents are lost without it`,
    );
  return key;
}

/** Seals documents again that an earlier version or an older key left behind; they are readable all the while. */
async function reseal(parts: readonly (() => Promise<number>)[], log: Log): Promise<void> {
  try {
    let count = 0;
    for (const part of parts) count += await part();
    if (count > 0) log('INFO', `sealed ${count} stored documents with the newest installation key`);
  } catch (error) {
    log(
      'WARNING',
      `cannot seal every stored document with the newest installation key; the next start tries again: ${(error as Error).message}`,
    );
  }
}

interface FlowParts extends Clients {
  readonly guard: AccessGuard;
  readonly shutdown: { readonly isRequested: boolean };
  readonly log: Log;
}

/** The cluster of the settings; only its adapter is loaded. */
async function openCluster(
  settings: ControllerSettings['cluster'],
  { onTrouble, guard }: { readonly onTrouble: (error: Error) => void; readonly guard: AccessGuard },
): Promise<Cluster> {
  if (settings.kind === 'processes') {
    const { ProcessCluster } = await import('../adapters/processes/process-cluster.js');
    return new ProcessCluster(settings.socket);
  }
  const { KubernetesCluster } = await import('../adapters/kubernetes/kubernetes-cluster.js');
  const { namespaces, kubeconfig, context } = settings;
  return KubernetesCluster.open({
    guardsData: true,
    onTrouble,
    credentials: guard.watch('Kubernetes'),
    ...(namespaces === undefined ? {} : { namespaces }),
    ...(kubeconfig === undefined ? {} : { file: kubeconfig }),
    ...(context === undefined ? {} : { context }),
  });
}

async function openMachine(socket: string): Promise<MachineServers> {
  const { NodeServers } = await import('../adapters/processes/node-servers.js');
  return NodeServers.open(socket);
}

/**
 * Starts the Temporal worker with the activities of flows and executions, and the observer of the workloads of flows, and
 * returns the services that the API calls.
 */
async function startServices(
  settings: ControllerSettings,
  parts: FlowParts,
  onClose: OnClose,
): Promise<{ readonly service: FlowController; readonly executions: ExecutionController }> {
  const { nats, store, cluster, temporal, workflows, guard, shutdown, log } = parts;
  const { streams, reports, logins } = nats;
  const machine = settings.cluster.kind === 'processes' ? await openMachine(settings.cluster.socket) : undefined;
  const planner = new FlowPlanner(store, planSettings(settings), machine);
  const pods = podSettings(settings);
  const buckets = new S3Buckets({ makesSources: settings.s3.override !== undefined, retryForMs: bucketRetryMs });
  const closeWorkflow = workflows.closeAs.bind(workflows);
  const activities = createFlowActivities({
    cluster,
    streams,
    buckets,
    store,
    planner,
    logins,
    pods,
    closeWorkflow,
    onWarning: (text) => log('WARNING', text),
  });
  let service: FlowController | undefined;
  const flows = () => {
    if (service === undefined) throw new ConfigError('server-failed', 'the controller is starting');
    return service;
  };
  const {
    service: executions,
    activities: taskActivities,
    calls,
  } = openTaskFlows(settings, { ...parts, flows }, onClose);
  const worker = await startTemporalWorker({
    connection: temporal.native,
    settings: settings.temporal,
    activities: { ...withHeartbeats(activities), ...withHeartbeats(calls), ...taskActivities },
    log,
  });
  onClose(() => worker.close());
  guard.protect(worker);
  const onWarning = (text: string) => log('WARNING', text);
  const workloads = new WorkloadObserver({ cluster, workflows, planner, onWarning });
  await workloads.start();
  onClose(() => workloads.close());
  service = new FlowController({
    letters: nats.letters,
    stepStores: buckets,
    buckets,
    image: pods.image,
    workflows,
    store,
    cluster,
    planner,
    admission: new DocumentAdmission({ store, planner, pods, ...clusterRules(settings.cluster) }),
    statuses: new FlowStatuses({ workflows, store, cluster, streams, planner, reports }),
    limits: {
      pauseGraceMs: settings.times.pauseGraceSeconds * 1_000,
      readyTimeoutMs: settings.times.readySeconds * 1_000,
      historyLength: settings.temporal.historyLength,
    },
    whyNotReady: async () =>
      shutdown.isRequested ? ['shutting down'] : whyNotReady({ workflows, store, worker, guard }),
  });
  return { service, executions };
}

function openTaskFlows(
  settings: ControllerSettings,
  { key, nats, executionStore: store, temporal, log, flows }: FlowParts & { readonly flows: () => FlowService },
  onClose: OnClose,
): OpenExecutions {
  const { historyLength, taskQueue } = settings.temporal;
  const objects = new S3StoredObjects(settings.s3.override ?? settings.s3.default, bucketRetryMs);
  onClose(() => objects.close());
  const opened = openExecutions({
    key,
    store,
    workflows: new TemporalExecutions(temporal.client, taskQueue),
    schedules: new TemporalSchedules(temporal.client, taskQueue),
    tasks: nats.tasks,
    objects,
    calls: { requests: new FetchRequests(), flows },
    addresses: settings.requests.addresses,
    historyLength,
    onWarning: (text) => log('WARNING', text),
  });
  onClose(async () => opened.close());
  return opened;
}

function podSettings({ pods, nats }: ControllerSettings): WorkloadSettings {
  const { image, natsUrl = nats.url, natsSecrets, ...defaults } = pods;
  return {
    image,
    natsUrl,
    pods: defaults,
    ...(natsSecrets === undefined ? {} : { natsSecrets }),
    ...(nats.domain === undefined ? {} : { natsDomain: nats.domain }),
  };
}

/** Starts the watchers that react to changes of the cluster which no request caused. */
async function startWatchers(
  { nats, cluster, workflows, service, log }: Clients & { readonly service: FlowController; readonly log: Log },
  onClose: OnClose,
): Promise<void> {
  const onWarning = (text: string) => log('WARNING', text);
  const observer = new FlowObserver({ cluster, workflows, remove: (flow) => service.removeOwned(flow), onWarning });
  await observer.start();
  onClose(() => observer.close());
  const orphans = new OrphanedFlows({ cluster, workflows, stop: (flow) => service.stopOrphan(flow), onWarning });
  await orphans.start();
  onClose(() => orphans.close());
  if (nats.renewal === undefined) return;
  const renewal = new LoginRenewal({ ...nats.renewal, workflows, onWarning });
  renewal.start();
  onClose(() => renewal.close());
}

/** The checks of a submitted topology that depend on the cluster. */
function clusterRules(
  cluster: ControllerSettings['cluster'],
): Pick<DocumentAdmissionProps, 'assertRunnable' | 'purpose'> {
  if (cluster.kind === 'processes') return { assertRunnable, purpose: 'run' };
  return { assertRunnable: (topology) => assertServed(topology, cluster.namespaces), purpose: 'controller' };
}

function planSettings({ s3, nats, cluster }: ControllerSettings) {
  return {
    ...(s3.override === undefined ? {} : { s3Override: s3.override }),
    ...(s3.default === undefined ? {} : { s3Default: s3.default }),
    ...(s3.messageBucket === undefined ? {} : { messageBucketDefault: s3.messageBucket }),
    ...(nats.replicas === undefined ? {} : { streamReplicas: nats.replicas }),
    ...(cluster.kind === 'kubernetes' ? { hasClusterSecrets: true as const } : { hasOwnNats: true as const }),
  };
}
