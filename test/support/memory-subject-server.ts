import { FunctionError, StoreError } from '../../lib/errors';
import type { SubjectMessage, SubjectServer } from '../../runtime/connectors/connector';
import type { WriteOutcome } from '../../runtime/engine/ports/sink';

const maxPayload = 1024 * 1024;

/** A NATS server whose streams have every subject, in memory. */
export class MemorySubjectServer implements SubjectServer {
  isAway = false;
  private readonly subjects = new Map<string, Map<string, Uint8Array>>();

  async publish(subject: string, messages: readonly SubjectMessage[]): Promise<readonly WriteOutcome[]> {
    if (this.isAway) return messages.map(() => ({ is: 'later', error: new StoreError('stream-failed', 'away') }));
    const stored = this.subjects.get(subject) ?? new Map<string, Uint8Array>();
    this.subjects.set(subject, stored);
    return messages.map(({ id, payload }): WriteOutcome => {
      if (payload.length > maxPayload) {
        return { is: 'failed', error: new FunctionError('payload-too-large', 'too large'), isRetryable: false };
      }
      if (!stored.has(id)) stored.set(id, payload);
      return { is: 'stored' };
    });
  }

  /** The messages of a subject, in the order of publishing. */
  payloads(subject: string): readonly Uint8Array[] {
    return [...(this.subjects.get(subject)?.values() ?? [])];
  }

  async close(): Promise<void> {}
}
