import type { JetStreamManager, NatsConnection, StreamConfig } from 'nats';
import type { FunctionSpec } from '../../../../lib/plan/function-spec';
import { jetStreamOf } from '../access/jetstream-api';
import { writeIfUnchanged } from '../access/write-if-unchanged';
import { recreateStream } from '../provision';
import { readKey } from '../read-run';
import { ignoreMissing, quickRequests } from '../retry-request';
import { type DriftNotes, driftKey } from './drift-notes';

export interface StateKeeperProps {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly spec: FunctionSpec;
  readonly drifts: Pick<DriftNotes, 'add'>;
  /** Stores the schemas that this replica knows in a bucket that does not have them. */
  readonly restoreSchemas: () => Promise<void>;
}

/** The part of a flow's state without which it would not end, or end too early. */
const mirrored = ['run', 'letters.*', 'ended.>', 'sealed.>'];

/**
 * Recreates the flow's state bucket when somebody removed it, and restores what this replica has seen of it.
 *
 * I1. Restored are the run, its ends and its seals, as they were at the last check. Every replica restores the same values,
 *     in each bucket that replaces another, whoever created it; a value that is there already stays.
 * I2. Every replica stores the schemas that it knows in such a bucket.
 * I3. A restore that failed is repeated from its beginning; until one has completed, the values to restore stay the same.
 * I4. What is read counts only if the bucket is afterwards the one of the check before: a bucket that is removed meanwhile
 *     looks empty.
 */
export class StateKeeper {
  private config: Partial<StreamConfig> | undefined;
  /** Creation time of the bucket that has the values and schemas of this replica. */
  private created: string | undefined;
  private mirror: ReadonlyMap<string, string> = new Map();

  constructor(private readonly props: StateKeeperProps) {}

  /** Call it every few seconds. Resolves to whether the state was restored, so that positions must be noted again. */
  async check(): Promise<boolean> {
    const { manager } = this.props;
    const values = await ignoreMissing(this.read());
    const info = await ignoreMissing(manager.streams.info(this.stream));
    if (info === undefined) {
      if (this.config === undefined) return false;
      await recreateStream(manager, this.stream, this.config);
    }
    const { created, config } = info ?? (await manager.streams.info(this.stream));
    const isReplaced = this.created !== undefined && this.created !== created;
    if (isReplaced)
      await this.restore(created); // I3
    else if (values !== undefined) this.mirror = values; // I4
    this.config = config;
    this.created = created;
    return isReplaced;
  }

  private get stream(): string {
    return `KV_${this.props.spec.stateBucket}`;
  }

  private async read(): Promise<ReadonlyMap<string, string>> {
    const { manager, spec } = this.props;
    const keys = await Promise.all(mirrored.map((key) => this.keys(key)));
    const values = await Promise.all(
      keys.flat().map(async (key) => [key, await readKey(manager, spec.stateBucket, key)] as const),
    );
    return new Map(values.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
  }

  private async keys(filter: string): Promise<readonly string[]> {
    const { manager, spec } = this.props;
    const prefix = `$KV.${spec.stateBucket}.`;
    const { state } = await manager.streams.info(this.stream, { subjects_filter: `${prefix}${filter}` });
    return Object.keys(state.subjects ?? {}).map((subject) => subject.slice(prefix.length));
  }

  private async restore(created: string): Promise<void> {
    const { connection, spec, restoreSchemas } = this.props;
    await this.note(created);
    const kv = await jetStreamOf(connection, quickRequests).views.kv(spec.stateBucket, { bindOnly: true });
    for (const [key, value] of this.mirror) await writeIfUnchanged(kv, { key, value, revision: 0 });
    await restoreSchemas();
  }

  /** One note is enough for the functions of a flow. */
  private async note(created: string): Promise<void> {
    const { spec, drifts } = this.props;
    const id = `state-${created}`;
    if ((await this.keys(driftKey({ function: '*', id }))).length > 0) return;
    const message = `the bucket ${spec.stateBucket} was removed from outside; the flow's run, ends and positions are restored. Sources that start again read from their beginning: records that the streams still know by their ids are not stored again`;
    await drifts.add({ id, reason: 'StateRestored', message });
  }
}
