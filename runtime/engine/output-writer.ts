import { createHash } from 'node:crypto';
import { FunctionError, KFlowError } from '../../lib/errors';
import type { FunctionSpec, OutputSpec } from '../../lib/plan/function-spec';
import { encodeClaim, type MessageStore } from './claim';
import { KeyQueue } from './order/key-queue';
import type { OutputKeys } from './order/output-keys';
import type { Delivery, Redriven } from './ports/delivery';
import type { Outgoing, Publisher } from './ports/publisher';

/** Payload bytes being stored above which producers wait. */
const maxStoringBytes = 48 * 1024 * 1024;

type Writer = Pick<FunctionSpec, 'function' | 'epoch'>;

/** A message; a redriven letter keeps the writer of its first attempt. */
type Origin = Pick<Delivery, 'stream' | 'sequence'> & { readonly redriven?: Pick<Redriven, 'writer'> };

/** The prefix of a function's output ids: `<function>`, or `<function>@<epoch>` after a re-read. */
export function writerIdOf(spec: Writer): string {
  return spec.epoch === undefined ? spec.function : `${spec.function}@${spec.epoch}`;
}

/**
 * The origin of a function's outputs: `<writer>:<input stream>:<input sequence>`. Followed by the output's index, it is
 * the output's message id: the same however often the input is processed in one epoch.
 */
export function originOf(spec: Writer, { stream, sequence, redriven }: Origin): string {
  return `${redriven?.writer ?? writerIdOf(spec)}:${stream}:${sequence}`;
}

type Settle = (error?: KFlowError) => void;
type Headers = Outgoing['headers'];
type Message = Pick<Outgoing, 'id' | 'payload' | 'headers'>;

/** Where the outputs of records go. */
export type RecordWriter = Pick<OutputWriter, 'write' | 'room' | 'refusal'>;

/** Writes a function's outputs: small payloads to the stream, large ones to the message store, with a claim in the stream. */
export class OutputWriter {
  private storingBytes = 0;
  private readonly inOrder = new KeyQueue(
    (message, settle) => this.send(message, settle),
    () => this.resume(),
  );
  /** Ends when the last output that waits for its key is sent. */
  private turn: Promise<unknown> | undefined;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly publisher: Publisher,
    private readonly limits: {
      /** Largest payload that is published to the stream, in bytes. */
      readonly maxPayload: number;
      readonly store?: MessageStore;
      readonly storePrefix?: string;
      /** Finds the keys of outputs; without it, streams have no partitions. */
      readonly keys?: OutputKeys;
    },
  ) {}

  /**
   * Calls `settle` once: without an error when the output is stored, or with the error that prevented it. Outputs with the same
   * key are stored in the order of the calls; others are sent in it, but for those that go to the message store.
   */
  write(output: OutputSpec, id: string, payload: Uint8Array, settle: Settle, headers?: Headers): void {
    try {
      const message = this.messageOf(output, { id, payload, headers });
      if (message instanceof Promise) this.sendLater(message, settle);
      else this.inOrder.add(message, settle);
    } catch (error) {
      settle(errorOf(error));
    }
  }

  /** Why no stream can take an output of this size; undefined if one can. */
  refusal(bytes: number): KFlowError | undefined {
    const { store, maxPayload } = this.limits;
    if (store !== undefined || bytes <= maxPayload) return undefined;
    return new FunctionError(
      'payload-too-large',
      `output is ${bytes} bytes, limit is ${maxPayload}; ` +
        'enable the message store (globalConfig.messageStore.enabled: true)',
    );
  }

  /** Undefined when there is room for more outputs, else a promise that resolves when there is. */
  room(): Promise<void> | undefined {
    if (this.hasRoom) return this.publisher.room();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private messageOf(output: OutputSpec, message: Message): Outgoing | Promise<Outgoing> {
    const { keys } = this.limits;
    if (output.partitions === undefined || keys === undefined) return { subject: output.subject, ...message };
    const found = keys.messageOf(output, message);
    return this.turn === undefined ? found : Promise.resolve(found);
  }

  /** The schema of an output is being read: those that follow wait for it, also when one between them fails. */
  private sendLater(message: Promise<Outgoing>, settle: Settle): void {
    const turn: Promise<unknown> = Promise.allSettled([message, this.turn])
      .then(() => message)
      .then((found) => this.inOrder.add(found, settle))
      .catch((error) => settle(errorOf(error)))
      .finally(() => {
        if (this.turn === turn) this.turn = undefined;
      });
    this.turn = turn;
  }

  private send(message: Outgoing, settle: Settle): void {
    if (message.payload.length <= this.limits.maxPayload) this.publish(message, settle);
    else void this.store(message, settle);
  }

  private publish(message: Outgoing, settle: Settle): void {
    this.publisher.publish(message, (result) => {
      if (result instanceof KFlowError) settle(result);
      else settle();
    });
  }

  private async store(message: Outgoing, settle: Settle): Promise<void> {
    const { id, payload } = message;
    const { store, storePrefix = '' } = this.limits;
    if (store === undefined) {
      settle(this.refusal(payload.length));
      return;
    }
    this.storingBytes += payload.length;
    try {
      // deterministic: a retry overwrites the object of the attempt before
      const key = storePrefix + createHash('sha256').update(id).digest('hex');
      const claim = await store.put(key, payload);
      this.publish({ ...message, payload: encodeClaim(claim) }, settle);
    } catch (error) {
      settle(errorOf(error));
    } finally {
      this.storingBytes -= payload.length;
      this.resume();
    }
  }

  private get hasRoom(): boolean {
    return this.storingBytes < maxStoringBytes && this.inOrder.hasRoom;
  }

  private resume(): void {
    if (this.hasRoom) for (const resume of this.waiting.splice(0)) resume();
  }
}

function errorOf(error: unknown): KFlowError {
  return error instanceof KFlowError ? error : new KFlowError('store-failed', String(error), { cause: error });
}
