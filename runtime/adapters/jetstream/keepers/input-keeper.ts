import {
  AckPolicy,
  type ConsumerInfo,
  DeliverPolicy,
  type JetStreamManager,
  type NatsConnection,
  type StreamConfig,
  type StreamInfo,
} from 'nats';
import { countedRecords } from '../../../../lib/counted';
import type { FunctionSpec } from '../../../../lib/plan/function-spec';
import type { ConsumerRef } from '../../../../lib/plan/partitions';
import { maxAckPending } from '../../../../lib/plan/replica-lifecycle';
import {
  findInputChange,
  type InputChange,
  type InputNote,
  type InputState,
  nextNote,
} from '../../../engine/drift/input-drift';
import { jetStreamOf, valueSubject } from '../access/jetstream-api';
import type { JetStreamFlowState } from '../jetstream-flow-state';
import type { MessagePuller } from '../message-puller';
import { addConsumer, type ConsumerSettings, recreateStream } from '../provision';
import { ignoreMissing } from '../retry-request';
import { startFloorOf } from '../rewind-consumer';
import { readTrim } from '../stream-trimmer';
import { consumerFaults, restoreConsumer } from './consumer-settings';
import type { DriftNotes } from './drift-notes';
import { floorKey, readFloorNote } from './floor-notes';

/**
 * A consumer of a recreated stream is created no earlier than this after the stream: by then every replica has noticed that
 * the stream is another one, and sends no more answers to messages of the old one.
 */
const replacedForMs = 5_000;

export interface InputKeeperProps {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly spec: FunctionSpec;
  readonly input: ConsumerRef;
  readonly puller: Pick<MessagePuller, 'skipTo' | 'abandon'>;
  readonly drifts: Pick<DriftNotes, 'add'>;
  /** A controller or `kflow run` may have other settings for a consumer than manifests do: where it starts. */
  readonly isWatched: boolean;
  readonly state: Pick<JetStreamFlowState, 'reseal' | 'sealedAt'>;
  readonly warn: (text: string) => void;
}

/** What a check has found: `replaced` means that the replica must start again, `waiting` that the input does not exist yet. */
export type InputCheck = 'present' | 'waiting' | 'replaced';

/**
 * Keeps one input of a reader: notes the ack floor in the flow's state, and reconciles what somebody changes from outside.
 *
 * I1. A consumer that was removed, or that starts elsewhere, continues after the noted floor: no record is skipped, and those
 *     acked since the note are delivered again.
 * I2. After a stream was recreated, no answer to a message of the old stream is sent: sequences start again.
 * I3. Records that are gone are noted before the position moves past them.
 */
export class InputKeeper {
  private note: InputNote | undefined;
  private saved = '';
  private streamConfig: Partial<StreamConfig> | undefined;
  private isOpen = false;
  private saidMissing = false;

  constructor(private readonly props: InputKeeperProps) {}

  /** Reads the note of an earlier replica and checks the input. Call it until the input is present. */
  async open(): Promise<InputCheck> {
    const { manager, spec, input } = this.props;
    this.note = await readFloorNote(manager, spec.stateBucket, input);
    this.saved = JSON.stringify(this.note);
    return this.check();
  }

  /** Call it about once a second, and when the server reports that the consumer does not exist. */
  async check(): Promise<InputCheck> {
    const { manager, input } = this.props;
    const info = await ignoreMissing(manager.streams.info(input.stream));
    if (info === undefined) return this.withoutStream();
    this.saidMissing = false;
    this.streamConfig = info.config;
    const consumer = await ignoreMissing(manager.consumers.info(input.stream, input.durable));
    const state = await this.stateOf(info, consumer);
    const change = await this.changeOf(state);
    if (change.lost > 0 && !change.isReplaced) await this.noteRemoval(change, state);
    if (change.isReplaced) {
      await this.noteReplaced(change, state);
      if (this.isOpen) {
        this.props.puller.abandon(); // I2
        return 'replaced';
      }
      if (change.consumer === 'missing' && ageMs(info) < replacedForMs) return 'waiting';
    }
    return this.reconcile(change, info, consumer);
  }

  /** The state bucket was removed: the next check notes the position again. */
  forgetSaved(): void {
    this.saved = '';
  }

  /** Notes the position a last time. */
  async close(): Promise<void> {
    if (this.isOpen) await this.check();
  }

  private async reconcile(
    change: InputChange,
    info: StreamInfo,
    consumer: ConsumerInfo | undefined,
  ): Promise<InputCheck> {
    const { manager, input } = this.props;
    const faults = consumer === undefined ? [] : consumerFaults(consumer, this.settings);
    const mustRecreate = change.consumer === 'skipping' || faults.some(({ isLasting }) => isLasting);
    let current = consumer;
    if (current !== undefined && mustRecreate) {
      await ignoreMissing(manager.consumers.delete(input.stream, input.durable));
      current = undefined;
    } else if (current !== undefined && faults.length > 0) {
      await restoreConsumer(this.props.connection, manager, current, this.settings);
      const what = faults.map(({ text }) => text).join(', ');
      await this.props.drifts.add({
        id: `${input.stream}-${input.durable}-${current.created}-${faults.map(({ text }) => text).join('-')}`,
        reason: 'ConsumerRestored',
        message: `${this.name} was changed from outside (${what}); its settings are restored`,
      });
    }
    if (current === undefined) {
      await this.create(change.isReplaced ? 0 : change.floor);
      current = await manager.consumers.info(input.stream, input.durable);
    }
    const before = change.isReplaced ? undefined : this.note;
    if (before !== undefined && before.consumer !== current.created) await this.noteRecreated(current, change.floor);
    await this.keep(nextNote(before, (await this.stateOf(info, current)) as Required<InputState>, change.floor));
    this.isOpen = true;
    return 'present';
  }

  private get settings(): ConsumerSettings {
    const { spec, input } = this.props;
    const { stream: _, ...consumer } = input;
    return { ...consumer, ackWaitMs: spec.ackWaitMs, maxAckPending };
  }

  private get name(): string {
    return `the consumer ${this.props.input.durable} of ${this.props.input.stream}`;
  }

  /** Manifests state where a consumer starts; one that starts elsewhere would differ from them for ever. */
  private async create(floor: number): Promise<void> {
    const { manager, input, isWatched } = this.props;
    const after = isWatched && floor > 0 ? { floor, countsFrom: this.note?.countsFrom ?? 0 } : undefined;
    await addConsumer(manager, { ...this.settings, stream: input.stream }, after);
  }

  private async changeOf(state: InputState): Promise<InputChange> {
    const found = findInputChange(this.note, state);
    const isOther = this.note !== undefined && !found.isReplaced && found.consumer !== 'same';
    const change = isOther && (await this.readHigherNote()) ? findInputChange(this.note, state) : found;
    if (this.note !== undefined || this.isOpen) return change;
    // the stream was recreated before any position in it was noted
    const sealedAt = await this.props.state.sealedAt(this.props.input.stream);
    const isReplaced = sealedAt !== undefined && sealedAt > state.stream.lastSequence;
    return isReplaced ? { ...change, isReplaced, lost: sealedAt } : change;
  }

  /** Another replica may have noted a higher floor, and recreated the consumer after it. */
  private async readHigherNote(): Promise<boolean> {
    const { manager, spec, input } = this.props;
    const stored = await readFloorNote(manager, spec.stateBucket, input);
    if (this.note === undefined || stored?.stream !== this.note.stream || stored.floor <= this.note.floor) return false;
    this.note = stored;
    return true;
  }

  private async stateOf({ created, state }: StreamInfo, consumer: ConsumerInfo | undefined): Promise<InputState> {
    const { manager, spec, input } = this.props;
    const isTrimmed = this.note !== undefined && state.first_seq > this.note.floor + 1;
    const deleted =
      (state.num_deleted ?? 0) === 0
        ? []
        : ((await manager.streams.info(input.stream, { deleted_details: true })).state.deleted ?? []);
    return {
      stream: {
        created: String(created),
        firstSequence: state.first_seq,
        lastSequence: state.last_seq,
        removed: deleted,
        trimmedTo: isTrimmed ? await readTrim(manager, spec.stateBucket, { stream: input.stream, created }) : 0,
      },
      ...(consumer === undefined ? {} : { consumer: consumerStateOf(consumer) }),
    };
  }

  /** Recreates the stream as this replica saw it last; a replica that never saw it waits for whoever provides it. */
  private async withoutStream(): Promise<InputCheck> {
    const { manager, input, puller, warn } = this.props;
    if (this.isOpen) puller.abandon(); // I2
    if (this.streamConfig !== undefined) {
      await recreateStream(manager, input.stream, this.streamConfig);
      return this.check();
    }
    if (!this.saidMissing) warn(`the stream ${input.stream} does not exist; waiting for it`);
    this.saidMissing = true;
    return 'waiting';
  }

  private async noteReplaced({ lost }: InputChange, { stream }: InputState): Promise<void> {
    const { input, state, drifts } = this.props;
    await state.reseal(input.stream, stream.lastSequence);
    const what = `the stream ${input.stream} was removed from outside`;
    const id = `${input.stream}-${stream.created}`;
    if (lost === 0) await drifts.add({ id, reason: 'StreamRecreated', message: `${what}; no record was left in it` });
    else {
      const message = `${what}, with at most ${countedRecords(lost)} that were not processed; ${remedy}`;
      await drifts.add({ id, reason: 'StreamRecreated', message, lost });
    }
  }

  private async noteRemoval({ lost }: InputChange, { stream }: InputState): Promise<void> {
    const { input, drifts } = this.props;
    const message = `at most ${countedRecords(lost)} of ${input.stream} that were not processed were removed from outside; ${remedy}`;
    const id = `${input.stream}-${stream.created}-${stream.firstSequence}-${stream.removed.length}`;
    await drifts.add({ id, reason: 'RecordsRemoved', message, lost });
  }

  private async noteRecreated({ created }: ConsumerInfo, floor: number): Promise<void> {
    const { input, drifts } = this.props;
    const message = `${this.name} was removed or recreated from outside; it continues after the last known ack floor, ${floor}, and outputs that are stored already are not stored again`;
    await drifts.add({ id: `${input.stream}-${input.durable}-${created}`, reason: 'ConsumerRecreated', message });
  }

  private async keep(note: InputNote): Promise<void> {
    const { connection, spec, input, puller } = this.props;
    this.note = note;
    puller.skipTo(note);
    const text = JSON.stringify(note);
    if (text === this.saved) return;
    const subject = valueSubject(connection, spec.stateBucket, floorKey(input));
    await jetStreamOf(connection, { timeout: 2_000 }).publish(subject, text);
    this.saved = text;
  }
}

const remedy = 'process them again by deleting the flow and submitting it anew, or replay the functions before';

function ageMs({ created, ts }: StreamInfo): number {
  return Date.parse(String(ts)) - Date.parse(String(created));
}

function consumerStateOf(info: ConsumerInfo): NonNullable<InputState['consumer']> {
  const { config, delivered, ack_floor: floor } = info;
  const isAll = config.deliver_policy === DeliverPolicy.All;
  const isSequence = config.deliver_policy === DeliverPolicy.StartSequence;
  return {
    created: String(info.created),
    // a consumer without explicit acks has no floor
    ackFloor: config.ack_policy === AckPolicy.Explicit ? floor.stream_seq : 0,
    atMs: Date.parse(String(info.ts)),
    delivered: delivered.stream_seq,
    deliveries: delivered.consumer_seq,
    countsFrom: startFloorOf(config),
    ackPending: info.num_ack_pending,
    pending: info.num_pending,
    start: isAll ? 0 : isSequence ? (config.opt_start_seq ?? 0) : Number.POSITIVE_INFINITY,
  };
}
