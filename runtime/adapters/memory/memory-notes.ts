import { type FunctionSpec, outputsOf } from '../../../lib/plan/function-spec';
import { letterId } from '../../engine/letters/dead-letters';
import type { Attempt } from '../../engine/letters/letter-history';
import { originOf } from '../../engine/output-writer';
import type { AttemptNotes } from '../../engine/ports/attempt-notes';
import type { Delivery } from '../../engine/ports/delivery';
import type { LoneAttempts } from '../../engine/ports/lone-attempts';
import type { LetterLookup, OriginLookup } from '../../engine/preparation';
import type { MemoryConnection } from './memory-connection';
import type { MemoryStreams } from './memory-streams';

/** What the replicas of one function leave for each other, in memory: failed attempts, lone attempts, and who is alive. */
export class MemoryNotes {
  private readonly attempts = new Map<string, readonly Attempt[]>();
  private readonly lone = new Map<string, number>();
  private readonly alive = new Set<number>();

  /** The notes of one replica, which end with its connection. */
  of(connection: MemoryConnection): AttemptNotes & { settled(): Promise<void> } {
    return {
      note: (delivery, attempt) => {
        const key = keyOf(delivery);
        if (!connection.isClosed) this.attempts.set(key, [...(this.attempts.get(key) ?? []), attempt]);
      },
      of: async (delivery) => this.attempts.get(keyOf(delivery)) ?? [],
      forget: (delivery) => {
        if (!connection.isClosed) this.attempts.delete(keyOf(delivery));
      },
      settled: async () => undefined,
    };
  }

  /** Begins the life of a replica; tells whether the one before in its place has ended without `endCleanly`. */
  beginLife(
    connection: MemoryConnection,
    replica: number,
  ): LoneAttempts & { readonly isAfterCrash: boolean; endCleanly(): Promise<void> } {
    const isAfterCrash = this.alive.has(replica);
    this.alive.add(replica);
    return {
      isAfterCrash,
      begin: async (delivery) => {
        const earlier = this.lone.get(keyOf(delivery)) ?? 0;
        if (!connection.isClosed) this.lone.set(keyOf(delivery), earlier + 1);
        return earlier;
      },
      end: (delivery) => {
        if (!connection.isClosed) this.lone.delete(keyOf(delivery));
      },
      endCleanly: async () => {
        if (!connection.isClosed) this.alive.delete(replica);
      },
    };
  }
}

/** Finds the stored outputs and letters of a function's records in streams in memory. */
export class MemoryLookups implements OriginLookup, LetterLookup {
  constructor(
    private readonly streams: MemoryStreams,
    private readonly spec: FunctionSpec,
  ) {}

  async publishedFor(message: Delivery): Promise<ReadonlySet<number>> {
    const prefix = `${originOf(this.spec, message)}:`;
    const ids = this.outputs().map(({ id }) => id);
    return new Set(ids.filter((id) => id.startsWith(prefix)).map((id) => Number(id.slice(prefix.length))));
  }

  async has(message: Delivery): Promise<boolean> {
    const id = letterId(this.spec, message);
    return this.streams.stream(this.spec.deadLetters.stream).messages.some((letter) => letter.id === id);
  }

  private outputs() {
    return outputsOf(this.spec).flatMap(({ stream }) => this.streams.stream(stream).messages);
  }
}

function keyOf({ stream, sequence }: Delivery): string {
  return `${stream}:${sequence}`;
}
