import type { NatsConnection } from 'nats';

/** Runs work with the connection to the nats account of a namespace, which stays open at least that long. */
export type UseConnection = <T>(namespace: string, work: (connection: NatsConnection) => Promise<T>) => Promise<T>;

/** Parts that are opened once for each namespace and connection, and again if that failed. */
export class NamespaceParts<Part> {
  private readonly opened = new WeakMap<NatsConnection, Map<string, Promise<Part>>>();

  constructor(
    private readonly use: UseConnection,
    private readonly open: (connection: NatsConnection, namespace: string) => Promise<Part>,
  ) {}

  in<T>(namespace: string, work: (part: Part) => Promise<T>): Promise<T> {
    return this.use(namespace, async (connection) => work(await this.partOf(connection, namespace)));
  }

  private partOf(connection: NatsConnection, namespace: string): Promise<Part> {
    const known = this.opened.get(connection) ?? new Map<string, Promise<Part>>();
    this.opened.set(connection, known);
    const found = known.get(namespace);
    if (found !== undefined) return found;
    const opening = this.open(connection, namespace);
    known.set(namespace, opening);
    opening.catch(() => known.delete(namespace));
    return opening;
  }
}
