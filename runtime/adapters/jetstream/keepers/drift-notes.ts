import type { JetStreamManager, NatsConnection } from 'nats';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import type { FlowEvent } from '../../../controller/flows/ports/flow-store';
import type { Drift } from '../../../engine/drift';
import { eventSubject } from '../flow-store/flow-events';
import { readKey } from '../read-run';
import { ignoreMissing, quickRequests } from '../retry-request';

/** The newest notes are read, at most this many. */
const maxNotes = 200;

/**
 * Notes of changes that somebody made from outside, in the flow's state bucket under `drift.<function>.<id>`, and in the
 * event log of the controller, if there is one.
 */
export class DriftNotes {
  constructor(
    private readonly connection: NatsConnection,
    private readonly flow: FlowKey & { readonly stateBucket: string },
  ) {}

  /** Resolves to whether the change was not noted yet. A failure is retried by the next call with the same drift. */
  async add(drift: Drift): Promise<boolean> {
    const { stateBucket, namespace, jobId } = this.flow;
    const kv = await this.connection.jetstream(quickRequests).views.kv(stateBucket, { bindOnly: true });
    const key = driftKey(drift);
    const known = await kv.get(key);
    if (known !== null && known.operation === 'PUT') return false;
    await kv.put(key, JSON.stringify(drift));
    const event: FlowEvent = {
      namespace,
      jobId,
      id: `drift-${flowName(this.flow)}-${drift.function}-${drift.id}`,
      at: drift.at,
      kind: 'notice',
      what: drift.reason,
      message: `${drift.function}: ${drift.message}`,
    };
    const options = { msgID: event.id, timeout: 1_000 };
    // without a controller, no stream stores events
    await this.connection
      .jetstream(quickRequests)
      .publish(eventSubject(event, 'notice'), JSON.stringify(event), options)
      .catch(() => undefined);
    return true;
  }
}

/** The changes noted since the run began, the oldest first; undefined when the flow has no state bucket. */
export async function readDrifts(
  manager: JetStreamManager,
  stateBucket: string,
): Promise<readonly Drift[] | undefined> {
  const prefix = `$KV.${stateBucket}.`;
  const options = { subjects_filter: `${prefix}drift.>` };
  const info = await ignoreMissing(manager.streams.info(`KV_${stateBucket}`, options));
  if (info === undefined) return undefined;
  const keys = Object.keys(info.state.subjects ?? {}).map((subject) => subject.slice(prefix.length));
  const texts = await Promise.all(keys.slice(-maxNotes).map((key) => readKey(manager, stateBucket, key)));
  const drifts = texts.flatMap((text) => (text === undefined ? [] : [JSON.parse(text) as Drift]));
  return drifts.sort((one, other) => one.at.localeCompare(other.at));
}

function driftKey({ function: id, id: drift }: Drift): string {
  return `drift.${id}.${drift.replace(/[^\w-]/g, '_')}`;
}
