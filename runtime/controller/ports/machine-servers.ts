/** A server that a function writes to. Without an address, a nats is the flow's own. */
export interface NamedServer {
  readonly connectsTo: 'search-server' | 'nats-server';
  readonly addr?: string;
}

/** What takes the place of a server; without an address, the flow's own nats. */
export interface Substitute {
  readonly addr?: string;
}

/** The servers of the machine on which flows run as processes: they take the place of those elsewhere. */
export interface MachineServers {
  /**
   * Decides what takes the place of a server, once for each address, and starts it. Undefined for the server itself. Throws
   * ConfigError that says what is missing on the machine.
   */
  decide(server: NamedServer): Promise<Substitute | undefined>;
  /** What was decided; undefined for the server itself, and without a decision. */
  of(server: NamedServer): Substitute | undefined;
}
