import { ConfigError } from '../errors';
import { functionsOf, upstreamsOf } from '../topology/document/graph';
import type { FlowFunction, S3Access, Topology } from '../topology/document/topology';
import { descriptorOf } from '../topology/function-types/function-type';
import type { PlannedBucket, SecretVariable } from './flow-plan';
import { type Account, type FlowSecrets, secretKeysOf, variableOfKey } from './flow-secrets';
import type { FunctionSpec, S3Connection } from './function-spec';
import { inputSchemasOf } from './input-schema';
import { devStorePrefix, messageStorePrefix } from './names';
import { natsAddresses } from './nats-access';
import { isFedWithObjects, stepFolders } from './plan-dev-store';
import { planErrorStream } from './plan-error-stream';
import { parseS3Location } from './s3-location';

/** An object store with credentials. */
export interface S3Account extends Pick<S3Access, 'sessionToken' | 'region' | 'ca' | 'pathStyle'> {
  readonly addr: string;
  readonly user: string;
  readonly password: string;
}

export interface PlanSettings {
  /** Replaces every object store of the document, as the embedded server does. */
  readonly s3Override?: S3Account;
  /** Replaces the servers of these functions, search servers and nats. Without `addr`, a nats-sink uses the flow's own. */
  readonly servers?: { readonly [functionId: string]: { readonly addr?: string } };
  /** Used where the document names no object store. */
  readonly s3Default?: S3Account;
  /** Bucket of message stores for which the document names none. */
  readonly messageBucketDefault?: string;
  /** Replicas of every stream, instead of the document's: a single NATS server supports one. */
  readonly streamReplicas?: number;
  /** Epoch of each function: every re-read of its inputs has a higher one, so that its outputs are not duplicates. */
  readonly epochs?: { readonly [functionId: string]: number };
  /** The nats of the flow takes the place of every other one of the document, as the embedded server does. */
  readonly hasOwnNats?: true;
  /** The functions create the buckets that they write. */
  readonly makesBuckets?: true;
  /** No controller begins the runs of the flow: its replicas begin the document's. */
  readonly beginsRuns?: true;
  /** The user creates Secrets for missing credentials in the cluster. Absent: missing credentials are an error. */
  readonly hasClusterSecrets?: true;
}

/** What one function connects to. The credentials are in environment variables, taken from Secrets. */
export interface FunctionConnections {
  readonly stores: Pick<
    FunctionSpec,
    'endpoint' | 'target' | 'download' | 'messageStore' | 'claimStores' | 'sideStream' | 'steps'
  >;
  readonly secretEnv: readonly SecretVariable[];
  readonly buckets: readonly PlannedBucket[];
  readonly addresses: readonly string[];
}

export function planConnections(
  topology: Topology,
  fn: FlowFunction,
  { settings, secrets }: { readonly settings: PlanSettings; readonly secrets: FlowSecrets },
): FunctionConnections {
  const planner = new ConnectionPlanner(fn, settings, secrets);
  const own = planner.own();
  const download = fn.globalConfig.store.autoDownload ? planner.download(topology) : undefined;
  const messageStore = fn.globalConfig.messageStore.enabled ? planner.messageStore(topology) : undefined;
  const claimStores = upstreamFunctions(topology, fn)
    .filter((from) => from.globalConfig.messageStore.enabled)
    .map((from, index) => planner.claimStore(topology, from, index));
  const steps = topology.globalConfig.devStore.enabled && isProcess(fn) ? planner.steps(topology) : undefined;
  const sideStream = planErrorStream(fn, settings.hasOwnNats === true);
  if (sideStream?.addr !== undefined) planner.allow(natsAddresses(sideStream.addr, `${fn.id}: sideStream.addr`));
  return {
    stores: {
      ...own,
      ...(download === undefined ? {} : { download }),
      ...(messageStore === undefined ? {} : { messageStore }),
      claimStores,
      ...(sideStream === undefined ? {} : { sideStream }),
      ...(steps === undefined ? {} : { steps }),
    },
    secretEnv: planner.secretEnv,
    buckets: planner.buckets,
    addresses: [...planner.addresses],
  };
}

class ConnectionPlanner {
  readonly secretEnv: SecretVariable[] = [];
  readonly buckets: PlannedBucket[] = [];
  readonly addresses = new Set<string>();

  constructor(
    private readonly fn: FlowFunction,
    private readonly settings: PlanSettings,
    private readonly secrets: FlowSecrets,
  ) {}

  /** Pods may connect there. */
  allow(addresses: readonly string[]): void {
    for (const each of addresses) this.addresses.add(each);
  }

  /** The connection that the function's type defines. */
  own(): Pick<FunctionConnections['stores'], 'endpoint' | 'target'> {
    const descriptor = descriptorOf(this.fn.type);
    switch (descriptor.connectsTo) {
      case 'object-store':
        return { endpoint: this.endpoint(descriptor.kind) };
      case 'search-server':
        return { target: this.target((addr) => [addr]) };
      case 'nats-server':
        return { target: this.target((addr) => natsAddresses(addr, `${this.fn.id}: addr`)) };
      case 'nothing':
        if (descriptor.codeConnectsToAddr && this.fn.addr !== undefined) this.addresses.add(this.fn.addr);
        return {};
    }
  }

  private endpoint(role: 'source' | 'sink') {
    const { fn } = this;
    const account = this.account(fn, 'addr');
    const { bucket, prefix } = parseS3Location(fn.topics ?? '');
    this.bucket(account, { bucket, role, prefix });
    return { ...this.connection(account, 'KFLOW_ADDR'), topics: fn.topics ?? '' };
  }

  private target(addressesOf: (addr: string) => readonly string[]) {
    const { id, topics, user, password, secret, secretKeys, ca } = this.fn;
    const replaced = this.settings.servers?.[id];
    const { addr } = replaced ?? this.fn;
    const where = topics === undefined ? {} : { topics };
    if (addr === undefined) return where;
    const isOpen = user === undefined && password === undefined && secret === undefined;
    if (!isOpen && replaced === undefined) {
      const hasCa = secretKeys?.includes('ca.crt') === true;
      const account = { addr, user, password, secret, ca, ...(hasCa ? { secretKeys: ['ca.crt'] as const } : {}) };
      return { ...this.connection(account, 'KFLOW_ADDR', addressesOf(addr)), ...where };
    }
    this.allow(addressesOf(addr));
    return { addr, ...where, ...(ca === undefined || replaced !== undefined ? {} : { ca }) };
  }

  /** Without a store address, objects are downloaded from the store of the nearest source that lists objects. */
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
    this.bucket(account, { bucket, role: 'message-store', prefix });
    const limit = maxPayloadSize === undefined ? {} : { maxPayloadSize };
    return { ...this.connection(account, 'KFLOW_STORE'), bucket, prefix, ...limit };
  }

  claimStore(topology: Topology, from: FlowFunction, index: number) {
    const { account, bucket } = this.storeOf(from);
    const prefix = messageStorePrefix(topology, from.id);
    return { ...this.connection(account, `KFLOW_CLAIM_${index}`), bucket, prefix };
  }

  /** The folders of a function that runs step by step, and the schemas that records in them may have. */
  steps(topology: Topology): NonNullable<FunctionSpec['steps']> {
    const { account, bucket } = this.storeOf({ ...topology, id: this.fn.id }, 'devStore');
    const folders = stepFolders(topology, this.fn.id);
    // of the whole flow: somebody may put the outputs of a source, which has no folders of its own
    this.bucket(account, { bucket, role: 'dev-store', prefix: devStorePrefix(topology) });
    return {
      ...this.connection(account, 'KFLOW_DEV'),
      bucket,
      ...folders,
      schemas: inputSchemasOf(topology, this.fn),
      ...(isFedWithObjects(upstreamFunctions(topology, this.fn)) ? { takesFiles: true as const } : {}),
    };
  }

  private storeOf(
    { id, globalConfig }: Pick<FlowFunction, 'id' | 'globalConfig'>,
    section: 'messageStore' | 'devStore' = 'messageStore',
  ): { account: Account; bucket: string } {
    const topics = globalConfig[section].topics ?? this.settings.messageBucketDefault;
    if (topics === undefined) throw missing(id, `globalConfig.${section}.topics (the bucket)`);
    const bucket = topics.includes('://') ? parseS3Location(topics).bucket : topics;
    return { account: this.account(globalConfig[section], `globalConfig.${section}.addr`), bucket };
  }

  private account(given: Partial<Account>, path: string): Account {
    const { s3Override, s3Default, hasClusterSecrets } = this.settings;
    if (s3Override !== undefined) return s3Override;
    const addr = given.addr ?? s3Default?.addr;
    if (addr === undefined) throw missing(this.fn.id, path);
    const place = { addr, ...placeOf(given.addr === undefined ? { ...s3Default, ...given } : given) };
    const { secret, secretKeys, auth } = given;
    if (auth !== undefined) return { ...place, auth };
    if (secret !== undefined) return { ...place, secret, secretKeys };
    const { user = s3Default?.user, password = s3Default?.password } = given;
    const isDefault = given.user === undefined && given.password === undefined;
    const sessionToken = given.sessionToken ?? (isDefault ? s3Default?.sessionToken : undefined);
    const account: Account = { ...place, user, password, sessionToken };
    const isWhole = account.user !== undefined && account.password !== undefined;
    if (!isWhole && hasClusterSecrets !== true) throw missing(this.fn.id, path.replace(/addr$/, 'user and password'));
    return account;
  }

  private bucket(account: Account, place: Pick<PlannedBucket, 'bucket' | 'role' | 'prefix'>): void {
    const secret = account.auth === undefined ? { secret: this.secrets.accountSecret(account) } : {};
    this.buckets.push({ addr: account.addr, ...placeOf(account), ...secret, ...place });
  }

  private connection(account: Account, env: string, addresses: readonly string[] = [account.addr]): S3Connection {
    const { addr } = account;
    this.allow(addresses);
    if (account.auth !== undefined) return { addr, ...placeOf(account) };
    this.secretEnv.push(...this.secrets.accountVariables(account, env));
    const fields = secretKeysOf(account).map((key) => [fieldOfKey[key], `${env}_${variableOfKey[key]}`]);
    return { addr, ...Object.fromEntries(fields), ...placeOf(account) };
  }
}

/** The field of a connection that names the variable with a key of the Secret. */
const fieldOfKey = {
  user: 'userEnv',
  password: 'passwordEnv',
  sessionToken: 'sessionTokenEnv',
  'ca.crt': 'caEnv',
} as const;

/** What belongs to the address of a store. */
function placeOf({ region, ca, pathStyle }: S3Access): Pick<S3Access, 'region' | 'ca' | 'pathStyle'> {
  return definedOf({ region, ca, pathStyle });
}

function definedOf<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}

function isProcess({ type }: FlowFunction): boolean {
  return descriptorOf(type).kind === 'process';
}

function upstreamFunctions(topology: Topology, fn: FlowFunction): readonly FlowFunction[] {
  const ids = upstreamsOf(topology, fn.id).map(({ from }) => from);
  return functionsOf(topology, ids);
}

/** The nearest function upstream that reads objects from a store. */
function listingSource(topology: Topology, fn: FlowFunction): FlowFunction | undefined {
  const seen = new Set(upstreamFunctions(topology, fn));
  for (const candidate of seen) {
    const { kind, connectsTo } = descriptorOf(candidate.type);
    if (kind === 'source' && connectsTo === 'object-store') return candidate;
    // the loop also visits members that are added during it
    for (const above of upstreamFunctions(topology, candidate)) seen.add(above);
  }
  return undefined;
}

function missing(functionId: string, setting: string): ConfigError {
  const place = setting.startsWith('globalConfig')
    ? 'for the function or the flow'
    : 'on the function or in globalConfig.store';
  return new ConfigError('setting-missing', `${functionId}: missing ${setting}; required ${place}`);
}
