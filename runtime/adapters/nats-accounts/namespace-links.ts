import type { NatsConnection } from 'nats';
import { StateError } from '../../../lib/errors';
import { Limit } from '../../async/limit';
import { openOver } from '../jetstream/access/connect-nats';
import { JetStreamStreams } from '../jetstream/jetstream-streams';
import { JetStreamLetters } from '../jetstream/letters/jetstream-letters';
import { ReplicaReports } from '../jetstream/replica-reports';

/** A connection without use for so long is closed. */
const idleMs = 10 * 60_000;
const sweepMs = 60_000;
/** A connection that failed is not tried again for so long: a list of flows would wait for it once for each of them. */
const failureMs = 5_000;
/** Connections that are opened at the same time, as when a controller starts. */
const maxOpening = 8;

/** What a controller does in the account of one namespace. */
export interface NamespaceLink {
  readonly connection: NatsConnection;
  readonly streams: JetStreamStreams;
  readonly letters: JetStreamLetters;
  readonly reports: ReplicaReports;
}

interface Entry {
  readonly opening: Promise<NamespaceLink>;
  link?: NamespaceLink;
  users: number;
  usedAtMs: number;
}

/**
 * The connections of a controller to the accounts of namespaces.
 *
 * I1. A connection is opened at its first use, and closed when nothing has used it for ten minutes.
 * I2. A namespace whose account cannot be reached fails only its own callers.
 */
export class NamespaceLinks {
  private readonly entries = new Map<string, Entry>();
  private readonly failures = new Map<string, { readonly error: unknown; readonly untilMs: number }>();
  private readonly openings = new Limit(maxOpening);
  private readonly sweep: NodeJS.Timeout;
  private isClosed = false;

  constructor(private readonly connect: (namespace: string) => Promise<NatsConnection>) {
    this.sweep = setInterval(() => void this.closeIdle(), sweepMs);
    this.sweep.unref();
  }

  /** Runs work with the link of a namespace, which stays open at least that long. Throws StateError after `close`. */
  async use<T>(namespace: string, work: (link: NamespaceLink) => Promise<T>): Promise<T> {
    const entry = this.entryOf(namespace);
    entry.users += 1;
    try {
      return await work(await entry.opening);
    } finally {
      entry.users -= 1;
      entry.usedAtMs = Date.now();
    }
  }

  /** The link of a namespace if it is open. */
  open(namespace: string): NamespaceLink | undefined {
    return this.entries.get(namespace)?.link;
  }

  /** Closes what has not been used since `beforeMs`. */
  async closeIdle(beforeMs = Date.now() - idleMs): Promise<void> {
    for (const [namespace, entry] of this.entries) {
      if (entry.users > 0 || entry.usedAtMs > beforeMs) continue;
      this.entries.delete(namespace);
      await closed(entry);
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearInterval(this.sweep);
    const entries = [...this.entries.values()];
    this.entries.clear();
    await Promise.all(entries.map(closed));
  }

  private entryOf(namespace: string): Entry {
    if (this.isClosed) throw new StateError('state-invalid', 'the connections to nats are closed');
    const found = this.entries.get(namespace);
    if (found !== undefined && found.link?.connection.isClosed() !== true) return found;
    found?.link?.reports.close();
    const failure = this.failures.get(namespace);
    const opening =
      failure !== undefined && failure.untilMs > Date.now()
        ? Promise.reject(failure.error)
        : this.openings.run(() => this.opened(namespace));
    const entry: Entry = { opening, users: 0, usedAtMs: Date.now() };
    this.entries.set(namespace, entry);
    opening.then(
      (link) => {
        entry.link = link;
        this.failures.delete(namespace);
      },
      (error) => {
        if (this.entries.get(namespace) === entry) this.entries.delete(namespace);
        if ((failure?.untilMs ?? 0) < Date.now())
          this.failures.set(namespace, { error, untilMs: Date.now() + failureMs });
      },
    );
    return entry;
  }

  private async opened(namespace: string): Promise<NamespaceLink> {
    const connection = await this.connect(namespace);
    return openOver(connection, async () => {
      const streams = await JetStreamStreams.open(connection);
      const letters = await JetStreamLetters.open(connection);
      return { connection, streams, letters, reports: new ReplicaReports(connection) };
    });
  }
}

async function closed({ opening }: Entry): Promise<void> {
  const link = await opening.catch(() => undefined); // its users have the error
  link?.reports.close();
  await link?.connection.close();
}
