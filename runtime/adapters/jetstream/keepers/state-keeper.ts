import type { JetStreamManager, NatsConnection, StreamConfig } from 'nats';
import type { FunctionSpec } from '../../../../lib/plan/function-spec';
import { jetStreamOf } from '../access/jetstream-api';
import { bucketConfig, ensureStream, recreateStream } from '../provision';
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
  readonly warn: (text: string) => void;
}

/** The part of a flow's state without which it would not end, or end too early. */
const mirrored = ['run', 'letters.*', 'ended.>', 'sealed.>'];

/**
 * Recreates the flow's state bucket and the schema bucket when somebody removed them, from what this replica has seen of
 * them.
 *
 * I1. Restored are the run, its ends and its seals, as they were at the last check. Every replica restores the same values.
 */
export class StateKeeper {
  private config: Partial<StreamConfig> | undefined;
  private schemasCreated: string | undefined;
  private mirror: ReadonlyMap<string, string> = new Map();

  constructor(private readonly props: StateKeeperProps) {}

  /** Call it every few seconds. Resolves to whether the state was restored, so that positions must be noted again. */
  async check(): Promise<boolean> {
    await this.checkSchemas();
    const { manager, spec } = this.props;
    const info = await ignoreMissing(manager.streams.info(`KV_${spec.stateBucket}`));
    if (info !== undefined) {
      this.config = info.config;
      this.mirror = await this.read();
      return false;
    }
    if (this.config === undefined) return false;
    await this.restore(this.config);
    return true;
  }

  private async checkSchemas(): Promise<void> {
    const { manager, spec, restoreSchemas, warn } = this.props;
    const info = await ignoreMissing(manager.streams.info(`KV_${spec.schemaBucket}`));
    if (info !== undefined && (this.schemasCreated ?? info.created) === info.created) {
      this.schemasCreated = info.created;
      return;
    }
    await ensureStream(manager, bucketConfig(spec.schemaBucket, this.config?.num_replicas ?? 1));
    await restoreSchemas();
    warn(`the bucket ${spec.schemaBucket} was removed from outside; its schemas are stored again`);
    this.schemasCreated = (await manager.streams.info(`KV_${spec.schemaBucket}`)).created;
  }

  private async read(): Promise<ReadonlyMap<string, string>> {
    const { manager, spec } = this.props;
    const prefix = `$KV.${spec.stateBucket}.`;
    const keys = await Promise.all(
      mirrored.map(async (key) => {
        const filter = { subjects_filter: `${prefix}${key}` };
        const { state } = await manager.streams.info(`KV_${spec.stateBucket}`, filter);
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
    const name = `KV_${spec.stateBucket}`;
    await recreateStream(manager, name, config);
    const kv = await jetStreamOf(connection, quickRequests).views.kv(spec.stateBucket, { bindOnly: true });
    for (const [key, value] of this.mirror) {
      if ((await kv.get(key)) === null) await kv.put(key, value);
    }
    const { created } = await manager.streams.info(name);
    const message = `the bucket ${spec.stateBucket} was removed from outside; the flow's run, ends and positions are restored. Sources that start again read from their beginning: records that the streams still know by their ids are not stored again`;
    await drifts.add({ id: `state-${created}`, reason: 'StateRestored', message });
  }
}
