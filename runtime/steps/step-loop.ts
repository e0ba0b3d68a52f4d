import type { FunctionSpec, OutputSpec } from '../../lib/plan/function-spec';
import { parseExactJson } from '../../lib/topology/avro/exact-json';
import type { Step } from '../api-contract/steps';
import { pause } from '../async/pause';
import type { Counters } from '../engine/counters';
import type { RecordObserver } from '../engine/leases/processing-times';
import { DeadLetters } from '../engine/letters/dead-letters';
import { OutputWriter } from '../engine/output-writer';
import type { Delivery, DeliverySource } from '../engine/ports/delivery';
import type { CreateHost, Failure, Log, SchemaSource } from '../engine/ports/host';
import type { Outgoing, PublishAck, Publisher } from '../engine/ports/publisher';
import { type Downloads, Preparation } from '../engine/preparation';
import { RecordCodecs } from '../engine/record-codecs';
import { RecordLoop } from '../engine/record-loop';

export interface StepLoopPorts {
  readonly spec: FunctionSpec;
  /** Creates a host of the function's code. */
  readonly createHost: CreateHost;
  /** The schemas of the function's inputs and outputs. */
  readonly schemas: SchemaSource;
  readonly downloads?: Downloads;
  readonly counters: Counters;
  readonly observer?: RecordObserver;
  readonly log: Log;
  readonly isLongRunning: boolean;
}

/** What a function has made of the records of one object. */
export type StepOutcome = Pick<Step, 'outputs' | 'sideOutputs' | 'errors'>;

/** A record in the function. */
interface RunningRecord {
  /** By index, as a host that is repeated emits some again. */
  readonly outputs: Map<number, { readonly side: string; readonly payload: Uint8Array }>;
  failure?: Failure;
  readonly end: () => void;
  readonly abandon: (error: AbandonedStep) => void;
}

/** The replica was stopped before the record had an outcome. */
export class AbandonedStep extends Error {}

const freeEveryMs = 10;
/** No stream limits an output. */
const maxPayload = Number.MAX_SAFE_INTEGER;
/** How the loop would go on after a failed attempt. */
const retrying = /attempt \d+ of \d+ failed, retrying in \d+ ms: /;

/**
 * Runs a function on records that are handed over, with the host and the record loop of its replicas, and collects its outputs.
 *
 * L1. A record has one attempt: a failure, a crash or a timeout is its outcome.
 * L2. A record that waits until the function requests its ack has no outcome before, and keeps no other from running.
 */
export class StepLoop {
  private readonly input = new StepInput();
  private readonly running = new Map<number, RunningRecord>();
  private readonly loop: RecordLoop;
  private readonly codecs: RecordCodecs;
  private readonly sides: ReadonlyMap<string, string>;
  private lastSequence = 0;
  private isStopped = false;

  constructor(ports: StepLoopPorts) {
    const spec = steppedSpec(ports.spec);
    this.sides = new Map(spec.sideOutputs.map(({ subject, id }) => [subject, id]));
    this.codecs = new RecordCodecs(ports.schemas);
    const publisher = this.publisher();
    this.loop = new RecordLoop({
      ...ports,
      spec,
      inputs: [this.input],
      writer: new OutputWriter(publisher, { maxPayload }),
      preparation: new Preparation({
        claims: { fetch: () => Promise.reject(new Error('a step has no claims')) },
        dedupeWindowMs: Number.POSITIVE_INFINITY,
        ...(ports.downloads === undefined ? {} : { downloads: ports.downloads }),
      }),
      deadLetters: new DeadLetters(spec, publisher),
      log: (level, text, about) => ports.log(level, text.replace(retrying, 'failed: '), about),
      errors: { report: ({ delivery }, failure) => this.failed(delivery, failure) },
    });
  }

  /** Opens a host. Rejects when the code cannot be loaded; after `onBroken` no host runs any more. */
  start(onBroken: (cause: Error) => void): Promise<void> {
    return this.loop.start(onBroken);
  }

  /** Runs the records of the object with this name; resolves when all of them have ended. Rejects with AbandonedStep. */
  async run(name: string, payloads: readonly Uint8Array[]): Promise<StepOutcome> {
    const records = await Promise.all(payloads.map((payload) => this.take(name, payload)));
    const outputs: unknown[] = [];
    const sideOutputs: { [side: string]: unknown[] } = {};
    for (const record of records) {
      for (const [, { side, payload }] of [...record.outputs].sort(([one], [other]) => one - other)) {
        const json = await this.jsonOf(payload);
        if (side === '') outputs.push(json);
        else sideOutputs[side] = [...(sideOutputs[side] ?? []), json];
      }
    }
    return { outputs, sideOutputs, errors: records.flatMap(({ failure }, index) => errorOf(failure, index)) };
  }

  /** Resolves when no record runs: each has ended, or waits until the function requests its ack. */
  async free(stop: AbortSignal): Promise<void> {
    while (!this.loop.idle && !this.loop.onlyWaits && !stop.aborted) await pause(freeEveryMs, stop);
  }

  /** Gives running records the grace period. Those that do not end are abandoned. */
  async stop(graceMs: number): Promise<void> {
    await this.loop.stop(graceMs);
    this.isStopped = true;
    for (const { abandon } of this.running.values()) abandon(wasStopped());
  }

  private take(name: string, payload: Uint8Array): Promise<RunningRecord> {
    if (this.isStopped) return Promise.reject(wasStopped());
    const sequence = ++this.lastSequence;
    return new Promise((resolve, abandon) => {
      const record: RunningRecord = {
        outputs: new Map(),
        end: () => {
          this.running.delete(sequence);
          resolve(record);
        },
        abandon,
      };
      this.running.set(sequence, record);
      this.input.deliver(this.delivery(name, sequence, payload));
    });
  }

  /** A message that is acked when its record has succeeded, or nak'd after its only attempt. */
  private delivery(name: string, sequence: number, payload: Uint8Array): Delivery {
    const record = () => this.running.get(sequence);
    const delivery: Delivery = {
      stream: name,
      sequence,
      deliveries: 1,
      timestampMs: Date.now(),
      payload,
      handle: `${name}:${sequence}`,
      ack: () => record()?.end(),
      nak: (delayMs) => {
        if (record()?.failure !== undefined)
          record()?.end(); // L1
        else this.input.deliverLater(delivery, delayMs); // given back without an attempt
      },
      working: () => undefined,
    };
    return delivery;
  }

  private failed({ sequence }: Delivery, failure: Failure): void {
    const record = this.running.get(sequence);
    if (record !== undefined) record.failure = failure;
  }

  private publisher(): Publisher {
    return {
      publish: (outgoing, settle) => {
        this.keep(outgoing);
        const ack: PublishAck = { stream: 'steps', sequence: 0, duplicate: false };
        queueMicrotask(() => settle(ack));
      },
      room: () => undefined,
      settled: async () => undefined,
    };
  }

  /** The id of an output ends with the sequence of its record and its index; that of a letter does not. */
  private keep({ id, subject, payload }: Outgoing): void {
    const [, sequence, index] = /:(\d+):(\d+)$/.exec(id) ?? [];
    if (id.startsWith('dead:') || sequence === undefined) return;
    this.running.get(Number(sequence))?.outputs.set(Number(index), { side: this.sides.get(subject) ?? '', payload });
  }

  private async jsonOf(payload: Uint8Array): Promise<unknown> {
    const codec = await this.codecs.of(payload);
    return parseExactJson(codec.json(codec.decode(payload)));
  }
}

/** A source of messages that are handed over. */
class StepInput implements DeliverySource {
  private onDelivery: ((delivery: Delivery) => void) | undefined;
  private isStopped = false;

  start(onDelivery: (delivery: Delivery) => void): void {
    this.onDelivery = onDelivery;
  }

  demand(): void {}

  stop(): void {
    this.isStopped = true;
  }

  deliver(delivery: Delivery): void {
    if (!this.isStopped) this.onDelivery?.(delivery);
  }

  deliverLater(delivery: Delivery, delayMs: number): void {
    if (!this.isStopped) setTimeout(() => this.deliver(delivery), delayMs);
  }
}

/** The function with a single input and attempt, and an output also where nothing reads it. */
function steppedSpec(spec: FunctionSpec): FunctionSpec & { readonly output: OutputSpec } {
  const unread: OutputSpec = {
    stream: 'steps',
    subject: 'steps',
    maxMsgs: 1,
    maxBytes: 1,
    dedupeWindowMs: 1,
    durables: [],
  };
  // of the last attempt of several, the loop would make a dead letter, or it would repeat the attempt in another host
  return { ...spec, inputs: spec.inputs.slice(0, 1), maxDeliver: 2, output: spec.output ?? unread };
}

function wasStopped(): AbandonedStep {
  return new AbandonedStep('the replica was stopped');
}

function errorOf(failure: Failure | undefined, record: number): StepOutcome['errors'] {
  if (failure === undefined) return [];
  const { type, message, trace, reason } = failure;
  return [
    {
      record,
      type,
      message,
      ...(trace === undefined ? {} : { trace }),
      ...(reason === undefined ? {} : { reason }),
    },
  ];
}
