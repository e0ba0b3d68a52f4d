import { ConfigError } from '../errors';
import { upstreamsOf } from '../topology/graph';
import type { FlowFunction, Topology } from '../topology/topology';
import type { PlannedBucket } from './flow-plan';
import type { FunctionSpec, S3Connection } from './function-spec';
import { messageStorePrefix } from './names';
import { parseS3Location } from './s3-location';

/** An object store and who asks. */
export interface S3Account {
  readonly addr: string;
  readonly user: string;
  readonly password: string;
}

export interface PlanSettings {
  /** Takes the place of every object store the document names: the embedded one. */
  readonly s3Override?: S3Account;
  /** Serves where the document names none. */
  readonly s3Default?: S3Account;
  /** Bucket of a message store whose own is not given. */
  readonly messageBucketDefault?: string;
}

/** The object stores of one function; credentials apart, named by the environment that carries them. */
export interface FunctionConnections
  extends Pick<FunctionSpec, 'endpoint' | 'download' | 'messageStore' | 'claimStores'> {
  readonly secrets: { readonly [env: string]: string };
  readonly buckets: readonly PlannedBucket[];
}

export function planConnections(topology: Topology, fn: FlowFunction, settings: PlanSettings): FunctionConnections {
  const planner = new ConnectionPlanner(fn, settings);
  const endpoint = fn.type === 'fs-source' || fn.type === 's3-sink' ? planner.endpoint() : undefined;
  const download = fn.globalConfig.store.autoDownload ? planner.download(topology) : undefined;
  const messageStore = fn.globalConfig.messageStore.enabled ? planner.messageStore(topology) : undefined;
  const claimStores = upstreamFunctions(topology, fn)
    .filter((from) => from.globalConfig.messageStore.enabled)
    .map((from, index) => planner.claimStore(topology, from, index));
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(download === undefined ? {} : { download }),
    ...(messageStore === undefined ? {} : { messageStore }),
    claimStores,
    secrets: planner.secrets,
    buckets: planner.buckets,
  };
}

class ConnectionPlanner {
  readonly secrets: Record<string, string> = {};
  readonly buckets: PlannedBucket[] = [];

  constructor(
    private readonly fn: FlowFunction,
    private readonly settings: PlanSettings,
  ) {}

  endpoint() {
    const { fn } = this;
    const account = this.account(fn, 'addr');
    const { bucket, prefix } = parseS3Location(fn.topics ?? '');
    this.buckets.push({ ...account, bucket, role: fn.type === 'fs-source' ? 'source' : 'sink', prefix });
    return { ...this.connection(account, 'KFLOW_ADDR'), topics: fn.topics ?? '' };
  }

  /** Where nothing is said of the store, the objects are fetched from where they were listed. */
  download(topology: Topology) {
    const { store } = this.fn.globalConfig;
    const given = store.addr === undefined ? listingSource(topology, this.fn) : store;
    const account = this.account(given ?? {}, 'globalConfig.store.addr');
    const directory = this.fn.meta.downloadDirectory;
    return { ...this.connection(account, 'KFLOW_DOWNLOAD'), ...(directory === undefined ? {} : { directory }) };
  }

  messageStore(topology: Topology) {
    const { maxPayloadSize } = this.fn.globalConfig.messageStore;
    const { account, bucket } = this.storeOf(this.fn);
    const prefix = messageStorePrefix(topology, this.fn.id);
    this.buckets.push({ ...account, bucket, role: 'message-store', prefix });
    const limit = maxPayloadSize === undefined ? {} : { maxPayloadSize };
    return { ...this.connection(account, 'KFLOW_STORE'), bucket, prefix, ...limit };
  }

  claimStore(topology: Topology, from: FlowFunction, index: number) {
    const { account, bucket } = this.storeOf(from);
    const prefix = messageStorePrefix(topology, from.id);
    return { ...this.connection(account, `KFLOW_CLAIM_${index}`), bucket, prefix };
  }

  private storeOf(fn: FlowFunction): { account: S3Account; bucket: string } {
    const topics = fn.globalConfig.messageStore.topics ?? this.settings.messageBucketDefault;
    if (topics === undefined) throw missing(fn.id, 'globalConfig.messageStore.topics (the bucket)');
    const bucket = topics.includes('://') ? parseS3Location(topics).bucket : topics;
    return { account: this.account(fn.globalConfig.messageStore, 'globalConfig.messageStore.addr'), bucket };
  }

  private account(given: Partial<S3Account>, path: string): S3Account {
    const { s3Override, s3Default } = this.settings;
    if (s3Override !== undefined) return s3Override;
    const addr = given.addr ?? s3Default?.addr;
    const user = given.user ?? s3Default?.user;
    const password = given.password ?? s3Default?.password;
    if (addr === undefined) throw missing(this.fn.id, path);
    if (user === undefined || password === undefined)
      throw missing(this.fn.id, path.replace(/addr$/, 'user and password'));
    return { addr, user, password };
  }

  private connection(account: S3Account, env: string): S3Connection {
    this.secrets[`${env}_USER`] = account.user;
    this.secrets[`${env}_PASSWORD`] = account.password;
    return { addr: account.addr, userEnv: `${env}_USER`, passwordEnv: `${env}_PASSWORD` };
  }
}

function upstreamFunctions(topology: Topology, fn: FlowFunction): FlowFunction[] {
  const ids = new Set(upstreamsOf(topology, fn.id).map((upstream) => upstream.from));
  return topology.dag.filter((candidate) => ids.has(candidate.id));
}

/** The nearest fs-source upstream of a function. */
function listingSource(topology: Topology, fn: FlowFunction): FlowFunction | undefined {
  const near = upstreamFunctions(topology, fn);
  const found = near.find((candidate) => candidate.type === 'fs-source');
  return found ?? near.map((candidate) => listingSource(topology, candidate)).find((source) => source !== undefined);
}

function missing(functionId: string, setting: string): ConfigError {
  const place = setting.startsWith('globalConfig')
    ? 'on the function or for the flow'
    : `there, or as globalConfig.store.${setting}`;
  return new ConfigError('setting-missing', `${functionId}: nothing sets ${setting}; set it ${place}`);
}
