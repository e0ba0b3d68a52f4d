import type { KV, KvEntry, NatsConnection } from 'nats';
import { ConfigError } from '../../../../lib/errors';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import { jetStreamOf, managerOf } from '../access/jetstream-api';
import { writeIfUnchanged } from '../access/write-if-unchanged';
import { bucketConfig, ensureStream } from '../provision';
import { callServer, ignoreMissing, quickRequests, readServer } from '../retry-request';
import { FlowRecords } from './flow-records';

const bucket = 'kflow_installation';
/** Flows that a message names. */
const maxNamed = 3;

export interface StoreClaim {
  readonly installation: string;
  /** Where the flows of the store run. */
  readonly temporal: { readonly namespace: string; readonly taskQueue: string };
  readonly replicas: number;
}

/**
 * Claims the store of this nats account for an installation and its task queue; every controller of an installation may do
 * so. Throws ConfigError `config-invalid` when another installation has claimed the store, because both would keep their
 * flows, documents and streams there, and when flows that are not closed run on another task queue, because they would be
 * taken for lost.
 *
 * The task queue is claimed by a call of the function it resolves to, once the queue is known to be usable; `runs` says
 * whether the queue has a flow. A store of an earlier version has flows and no claim: then one of them must run on the queue.
 */
export async function claimStore(
  connection: NatsConnection,
  { installation, temporal, replicas }: StoreClaim,
): Promise<(runs: (flow: FlowKey) => Promise<boolean>) => Promise<void>> {
  const manager = await managerOf(connection);
  await ensureStream(manager, bucketConfig(bucket, replicas), { num_replicas: replicas });
  const values = await jetStreamOf(connection, quickRequests).views.kv(bucket, { bindOnly: true });
  assertInstallation(await claimed(values, 'id', installation), installation);
  const openFlows = () => FlowRecords.openFlows(connection);
  const known = await storedValue(values, 'queue');
  await assertQueue({ known, queue: describeQueue(temporal), openFlows });
  return async (runs) => {
    for (;;) {
      const entry = await storedEntry(values, 'queue');
      const queue = describeQueue(temporal);
      const claim = { known: textOf(entry), queue, openFlows };
      if (claim.known === queue) return;
      await assertQueue({ ...claim, runs });
      const write = { key: 'queue', value: queue, revision: entry?.revision ?? 0 };
      // if another controller was faster, its entry decides
      if (await callServer(`bucket ${bucket}`, () => writeIfUnchanged(values, write))) return;
    }
  };
}

/** Whether a controller has claimed the store. Claims nothing, and throws as `claimStore`. */
export async function inspectStoreClaim(
  connection: NatsConnection,
  { installation, temporal }: Omit<StoreClaim, 'replicas'>,
): Promise<boolean> {
  const manager = await managerOf(connection);
  if ((await ignoreMissing(manager.streams.info(`KV_${bucket}`))) === undefined) return false;
  const values = await jetStreamOf(connection, quickRequests).views.kv(bucket, { bindOnly: true });
  const id = await storedValue(values, 'id');
  assertInstallation(id, installation);
  const known = await storedValue(values, 'queue');
  await assertQueue({
    known,
    queue: describeQueue(temporal),
    openFlows: () => FlowRecords.openFlows(connection),
  });
  return id !== undefined;
}

function assertInstallation(known: string | undefined, installation: string): void {
  if (known === undefined || known === installation) return;
  const what = 'this account of the nats server belongs to another installation of KFlow';
  const advice = `use another server or account (nats.url, nats.credentials), or the installation key of that installation if it is this one, with the same last line; if that one is gone with its flows: nats kv del ${bucket} --force`;
  throw new ConfigError('config-invalid', `${what}; ${advice}`, { where: bucket });
}

export interface QueueClaim {
  /** The queue in the store; undefined if none is claimed. */
  readonly known: string | undefined;
  /** The queue of this controller. */
  readonly queue: string;
  /** The flows of the store that are not closed. */
  readonly openFlows: () => Promise<readonly FlowKey[]>;
  /** Whether a flow runs on the queue of this controller; absent: not known yet. */
  readonly runs?: (flow: FlowKey) => Promise<boolean>;
}

/** Throws ConfigError `config-invalid` when flows that are not closed run on another task queue. A claim without any binds nobody. */
export async function assertQueue({ known, queue, openFlows, runs }: QueueClaim): Promise<void> {
  if (known === queue || (known === undefined && runs === undefined)) return;
  const flows = await openFlows();
  if (flows.length === 0) return;
  if (known === undefined) for (const flow of flows) if (await runs?.(flow)) return;
  const advice =
    known === undefined
      ? 'set the queue and the server on which they run, or delete them with the version of KFlow that runs them'
      : 'set it back, because flows cannot move; to change it, delete these flows first, with the queue as it was';
  const place = known === undefined ? `run elsewhere, not on the ${queue}` : `run on the ${known}, got the ${queue}`;
  const message = `temporal.taskQueue: the flows of this nats account ${place} (not closed: ${someOf(flows)}); ${advice}`;
  throw new ConfigError('config-invalid', `${message} (kflow install --task-queue)`, { where: bucket });
}

function someOf(flows: readonly FlowKey[]): string {
  const more = flows.length - maxNamed;
  return `${flows.slice(0, maxNamed).map(flowName).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

async function storedEntry(values: KV, key: string): Promise<KvEntry | null> {
  return readServer(`bucket ${bucket}`, () => values.get(key));
}

function textOf(entry: KvEntry | null): string | undefined {
  return entry === null || entry.operation !== 'PUT' ? undefined : entry.string();
}

async function storedValue(values: KV, key: string): Promise<string | undefined> {
  return textOf(await storedEntry(values, key));
}

/** The value of a key, which is stored if there is none. */
async function claimed(values: KV, key: string, value: string): Promise<string | undefined> {
  const found = await storedValue(values, key);
  if (found !== undefined) return found;
  // if another controller was faster, its entry decides
  await callServer(`bucket ${bucket}`, () => writeIfUnchanged(values, { key, value, revision: 0 }));
  return storedValue(values, key);
}

function describeQueue({ namespace, taskQueue }: StoreClaim['temporal']): string {
  return `task queue "${taskQueue}" of the Temporal namespace "${namespace}"`;
}
