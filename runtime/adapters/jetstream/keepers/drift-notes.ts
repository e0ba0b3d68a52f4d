import type { JetStreamManager, NatsConnection } from 'nats';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import type { FlowEvent } from '../../../controller/flows/ports/flow-store';
import type { Drift } from '../../../engine/drift/drift';
import { jetStreamOf } from '../access/jetstream-api';
import { eventSubject } from '../flow-store/flow-events';
import { readKey, readKeys } from '../read-run';
import { quickRequests } from '../retry-request';

/** The newest notes are read, at most this many. */
const maxNotes = 200;

/**
 * Notes of changes that somebody made from outside, in the flow's state bucket under `drift.<function>.<id>`, and in the
 * event log of the controller, if there is one.
 */
export class DriftNotes {
  /** `onNoted` gets the message of each change that nobody had noted. */
  constructor(
    private readonly connection: NatsConnection,
    private readonly owner: FlowKey & { readonly function: string; readonly stateBucket: string },
    private readonly onNoted: (message: string) => void = () => undefined,
  ) {}

  /** Notes a change once, whichever replica notices it. After a failure, call it again with the same change. */
  async add(change: Omit<Drift, 'function' | 'at'>): Promise<void> {
    const { stateBucket, namespace, jobId } = this.owner;
    const drift: Drift = { ...change, function: this.owner.function, at: new Date().toISOString() };
    const kv = await jetStreamOf(this.connection, quickRequests).views.kv(stateBucket, { bindOnly: true });
    const key = driftKey(drift);
    const known = await kv.get(key);
    if (known !== null && known.operation === 'PUT') return;
    await kv.put(key, JSON.stringify(drift));
    const event: FlowEvent = {
      namespace,
      jobId,
      id: `drift-${flowName(this.owner)}-${drift.function}-${drift.id}`,
      at: drift.at,
      kind: 'notice',
      what: drift.reason,
      message: `${drift.function}: ${drift.message}`,
    };
    const options = { msgID: event.id, timeout: 1_000 };
    // without a controller, no stream stores events
    await jetStreamOf(this.connection, quickRequests)
      .publish(eventSubject(event, 'notice'), JSON.stringify(event), options)
      .catch(() => undefined);
    this.onNoted(drift.message);
  }
}

/** The changes noted since the run began, the oldest first; undefined when the flow has no state bucket. */
export async function readDrifts(
  manager: JetStreamManager,
  stateBucket: string,
): Promise<readonly Drift[] | undefined> {
  const keys = await readKeys(manager, stateBucket, 'drift.>');
  if (keys === undefined) return undefined;
  const texts = await Promise.all(keys.slice(-maxNotes).map((key) => readKey(manager, stateBucket, key)));
  const drifts = texts.flatMap((text) => (text === undefined ? [] : [JSON.parse(text) as Drift]));
  return drifts.sort((one, other) => one.at.localeCompare(other.at));
}

/** The key of a note in the flow's state bucket; with the function `*`, a filter for the notes of all functions. */
export function driftKey({ function: id, id: drift }: Pick<Drift, 'function' | 'id'>): string {
  return `drift.${id}.${drift.replace(/[^\w-]/g, '_')}`;
}
