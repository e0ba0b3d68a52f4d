import type { JetStreamManager, NatsConnection, StreamConfig } from 'nats';
import type { FunctionSpec } from '../../../../lib/plan/function-spec';
import { jetStreamOf } from '../access/jetstream-api';
import { recreateStream } from '../provision';
import { readKey } from '../read-run';
import { ignoreMissing, quickRequests } from '../retry-request';
import type { DriftNotes } from './drift-notes';

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
 * Recreates the flow's state bucket when somebody removed it, from what this replica has seen of it.
 *
 * I1. Restored are the run, its ends and its seals, as they were at the last check. Every replica restores the same values.
 * I2. Every replica stores the schemas that it knows in each bucket that replaces another, whoever created it.
 */
export class StateKeeper {
  private config: Partial<StreamConfig> | undefined;
  /** Creation time of the bucket that has the schemas of this replica. */
  private created: string | undefined;
  private mirror: ReadonlyMap<string, string> = new Map();

  constructor(private readonly props: StateKeeperProps) {}

  /** Call it every few seconds. Resolves to whether the state was restored, so that positions must be noted again. */
  async check(): Promise<boolean> {
    const info = await ignoreMissing(this.props.manager.streams.info(this.stream));
    if (info !== undefined) {
      this.config = info.config;
      this.mirror = await this.read();
      await this.keepSchemas(info.created);
      return false;
    }
    if (this.config === undefined) return false;
    await this.restore(this.config);
    return true;
  }

  private get stream(): string {
    return `KV_${this.props.spec.stateBucket}`;
  }

  private async keepSchemas(created: string): Promise<void> {
    if (this.created !== undefined && this.created !== created) await this.props.restoreSchemas(); // I2
    this.created = created;
  }

  private async read(): Promise<ReadonlyMap<string, string>> {
    const { manager, spec } = this.props;
    const prefix = `$KV.${spec.stateBucket}.`;
    const keys = await Promise.all(
      mirrored.map(async (key) => {
        const filter = { subjects_filter: `${prefix}${key}` };
        const { state } = await manager.streams.info(this.stream, filter);
        return Object.keys(state.subjects ?? {}).map((subject) => subject.slice(prefix.length));
      }),
    );
    const values = await Promise.all(
      keys.flat().map(async (key) => [key, await readKey(manager, spec.stateBucket, key)] as const),
    );
    return new Map(values.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
  }

  private async restore(config: Partial<StreamConfig>): Promise<void> {
    const { connection, manager, spec, drifts } = this.props;
    await recreateStream(manager, this.stream, config);
    const kv = await jetStreamOf(connection, quickRequests).views.kv(spec.stateBucket, { bindOnly: true });
    for (const [key, value] of this.mirror) {
      if ((await kv.get(key)) === null) await kv.put(key, value);
    }
    const { created } = await manager.streams.info(this.stream);
    await this.keepSchemas(created);
    const message = `the bucket ${spec.stateBucket} was removed from outside; the flow's run, ends and positions are restored. Sources that start again read from their beginning: records that the streams still know by their ids are not stored again`;
    await drifts.add({ id: `state-${created}`, reason: 'StateRestored', message });
  }
}
