import { createHash } from 'node:crypto';
import { FunctionError, KFlowError } from '../../lib/errors';
import type { OutputSpec } from '../../lib/plan/function-spec';
import { encodeClaim, type MessageStore } from './claim';
import type { Publisher } from './ports/publisher';

/** Payload bytes on their way to the message store above which producers wait. */
const maxStoringBytes = 48 * 1024 * 1024;

/** Writes a function's outputs: small ones into the stream, big ones into the message store with a claim in the stream. */
export class OutputWriter {
  private storingBytes = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly publisher: Publisher,
    private readonly limits: {
      /** Largest payload that goes into the stream itself. */
      readonly maxPayload: number;
      readonly store?: MessageStore;
      readonly storePrefix?: string;
    },
  ) {}

  /** `settle` is called once: with nothing when the output is stored, or with why it never will be. */
  write(output: OutputSpec, id: string, payload: Uint8Array, settle: (error?: KFlowError) => void): void {
    if (payload.length <= this.limits.maxPayload) this.publish(output, id, payload, settle);
    else void this.store(output, id, payload, settle);
  }

  /** Undefined when there is room for more, else a promise of it. */
  room(): Promise<void> | undefined {
    if (this.storingBytes < maxStoringBytes) return this.publisher.room();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private publish(output: OutputSpec, id: string, payload: Uint8Array, settle: (error?: KFlowError) => void): void {
    this.publisher.publish({ subject: output.subject, id, payload }, (result) => {
      if (result instanceof KFlowError) settle(result);
      else settle();
    });
  }

  private async store(
    output: OutputSpec,
    id: string,
    payload: Uint8Array,
    settle: (error?: KFlowError) => void,
  ): Promise<void> {
    const { store, storePrefix = '', maxPayload } = this.limits;
    if (store === undefined) {
      settle(
        new FunctionError(
          'payload-too-large',
          `an output of ${payload.length} bytes is above the limit of ${maxPayload}; ` +
            'enable the message store for this function (globalConfig.messageStore.enabled: true)',
        ),
      );
      return;
    }
    this.storingBytes += payload.length;
    try {
      // deterministic, so a replay overwrites what it stored before
      const key = storePrefix + createHash('sha256').update(id).digest('hex');
      const claim = await store.put(key, payload);
      this.publish(output, id, encodeClaim(claim), settle);
    } catch (error) {
      settle(error instanceof KFlowError ? error : new KFlowError('store-failed', String(error), { cause: error }));
    } finally {
      this.storingBytes -= payload.length;
      if (this.storingBytes < maxStoringBytes) for (const resume of this.waiting.splice(0)) resume();
    }
  }
}
