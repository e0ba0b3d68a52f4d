import type { AvroSchemaCodec } from '../../../engine/avro-message';
import type { Failure } from '../../../engine/ports/host';
import type { ReceivedRecord } from './frames';

/**
 * A record that the function has begun.
 *   running -> decided -> ended
 * A decided record has an outcome, which is sent at the next turn; until then, an error that was thrown in the background
 * may still turn it into a failure.
 */
export class RunningRecord {
  state: 'running' | 'decided' | 'ended' = 'running';
  /** The function has returned a promise or an iterable, so other records may begin meanwhile. */
  isAsync = false;
  /** Outputs that are sent together with the outcome. */
  outputs: readonly Uint8Array[] = [];
  failure: Failure | undefined;
  /** Calls of a queue's `put` that wait for room. */
  puts = 0;
  /** Made when somebody asks for it: most records are never canceled. */
  private canceling: AbortController | undefined;
  whenPutsEnd: (() => void) | undefined;

  constructor(
    readonly received: ReceivedRecord,
    readonly writer: AvroSchemaCodec | undefined,
  ) {}

  /** Aborted when the result is not needed any more. */
  get signal(): AbortSignal {
    this.canceling ??= new AbortController();
    return this.canceling.signal;
  }

  cancel(): void {
    this.canceling ??= new AbortController();
    this.canceling.abort();
  }

  get id(): number {
    return this.received.id;
  }
}
