import { DiscardPolicy, type JetStreamManager, nanos, RetentionPolicy, type StreamConfig, type StreamInfo } from 'nats';
import type { FunctionSpec, OutputSpec } from '../../../../lib/plan/function-spec';
import { streamSubject } from '../../../../lib/plan/partitions';
import type { Drift } from '../../../engine/drift/drift';
import { recreateStream, streamConfig } from '../provision';
import { ignoreMissing } from '../retry-request';
import type { DriftNotes } from './drift-notes';

export interface OutputKeeperProps {
  readonly manager: JetStreamManager;
  readonly spec: FunctionSpec;
  /** A stream that the function writes; undefined: the flow's dead letters. */
  readonly output: OutputSpec | undefined;
  readonly drifts: Pick<DriftNotes, 'add'>;
  /** A controller or `kflow run` owns the settings of the streams; else whoever applies the manifests does. */
  readonly isWatched: boolean;
}

/**
 * Keeps a stream that a function writes: recreates it when somebody removed it, and restores settings that would discard
 * records. The function's publishes wait meanwhile.
 */
export class OutputKeeper {
  private last: StreamInfo | undefined;

  constructor(private readonly props: OutputKeeperProps) {}

  /** Call it every few seconds. */
  async check(): Promise<void> {
    const { manager, output } = this.props;
    const info = await ignoreMissing(manager.streams.info(this.stream));
    if (info === undefined) return this.recreate();
    if (this.last !== undefined && this.last.created !== info.created) await this.noteRecreated(info);
    this.last = info;
    if (output !== undefined) await this.restore(info, output);
  }

  private get stream(): string {
    const { output, spec } = this.props;
    return output?.stream ?? spec.deadLetters.stream;
  }

  /** As this replica saw the stream last, or as planned. */
  private async recreate(): Promise<void> {
    const { manager, output } = this.props;
    const config = this.last?.config ?? (output === undefined ? undefined : this.planned(output, await this.copies()));
    if (config === undefined) return;
    await recreateStream(manager, this.stream, config);
    if (this.last !== undefined) await this.check();
  }

  private planned(output: OutputSpec, replicas: number) {
    return streamConfig({ ...output, name: output.stream, subjects: [streamSubject(output)], replicas });
  }

  /** The flow's streams have as many copies as its state. */
  private async copies(): Promise<number> {
    const { manager, spec } = this.props;
    return (await manager.streams.info(`KV_${spec.stateBucket}`)).config.num_replicas;
  }

  private async noteRecreated(info: StreamInfo): Promise<void> {
    const { output } = this.props;
    const id = `${this.stream}-${info.created}`;
    if (output !== undefined) {
      await this.note('StreamRecreated', id, `the stream ${this.stream} was removed from outside and is recreated`);
      return;
    }
    const letters = this.last?.state.messages ?? 0;
    const message = `the stream of dead letters, ${this.stream}, was removed from outside with ${letters} letters`;
    await this.note('LettersRemoved', id, message);
  }

  private async restore(info: StreamInfo, output: OutputSpec): Promise<void> {
    const faults = streamFaults(info.config, output);
    if (faults.length === 0) return;
    const { manager, isWatched } = this.props;
    const id = `${this.stream}-${info.created}-${faults.join('-')}`;
    const what = `settings of the stream ${this.stream} were changed from outside (${faults.join(', ')})`;
    if (!isWatched) {
      await this.note('StreamChanged', id, `${what}; records may be discarded: apply the manifests again`);
      return;
    }
    try {
      const planned = this.planned(output, info.config.num_replicas);
      await manager.streams.update(this.stream, { ...planned, ...unlimited });
      await this.note('StreamRestored', id, `${what}; they are restored`);
    } catch (error) {
      const text = `${what}; they cannot be restored: ${(error as Error).message}; delete the flow and submit it anew`;
      await this.note('StreamChanged', id, text);
    }
  }

  private async note(reason: Drift['reason'], id: string, message: string): Promise<void> {
    await this.props.drifts.add({ id: `writer-${id}`, reason, message });
  }
}

/** Limits that the plan does not set. */
const unlimited = { max_age: 0, max_msgs_per_subject: -1, max_msg_size: -1 };

/** The settings of a stream that differ from the plan, as `discard old`. */
function streamFaults(config: StreamConfig, output: OutputSpec): readonly string[] {
  const { maxMsgs, maxBytes, dedupeWindowMs } = output;
  const faults: readonly (readonly [string, boolean])[] = [
    [`subjects ${config.subjects?.join(',')}`, config.subjects?.join(',') !== streamSubject(output)],
    [`retention ${config.retention}`, config.retention !== RetentionPolicy.Limits],
    [`discard ${config.discard}`, config.discard !== DiscardPolicy.New],
    [`max_msgs ${config.max_msgs}`, config.max_msgs !== maxMsgs],
    [`max_bytes ${config.max_bytes}`, config.max_bytes !== maxBytes],
    [`max_age ${config.max_age}`, (config.max_age ?? 0) !== 0],
    [`max_msgs_per_subject ${config.max_msgs_per_subject}`, (config.max_msgs_per_subject ?? -1) > 0],
    [`max_msg_size ${config.max_msg_size}`, (config.max_msg_size ?? -1) > 0],
    [`duplicate_window ${config.duplicate_window}`, config.duplicate_window < nanos(dedupeWindowMs)],
    ['sealed', config.sealed === true],
  ];
  return faults.filter(([, isFault]) => isFault).map(([text]) => text);
}
