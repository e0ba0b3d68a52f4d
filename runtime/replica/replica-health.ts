import { StateError } from '../../lib/errors';

/** The connection to NATS; after `closed`, the client does not reconnect. */
export type ConnectionState = 'up' | 'lost' | 'closed';

const phases = ['connecting', 'loading', 'working', 'ending'] as const;
/** The phases of a replica, in order: it connects to NATS, loads the function, works, and closes. */
export type ReplicaPhase = (typeof phases)[number];

/**
 * Liveness and readiness of a replica.
 *
 * I1. A replica is alive unless only a restart can help. A restart does not end an outage of a server, back pressure or a
 *     slow record, and it would repeat the records in process.
 * I2. A replica is ready when it can take records.
 */
export class ReplicaHealth {
  private phase: ReplicaPhase = 'connecting';
  private connection: ConnectionState | undefined;
  private isHostDead = false;

  /** `stop` is aborted when the replica must stop. */
  constructor(private readonly stop: AbortSignal) {}

  /** Throws StateError unless the phase is a later one. */
  enter(phase: ReplicaPhase): void {
    if (phases.indexOf(phase) <= phases.indexOf(this.phase)) {
      throw new StateError('state-invalid', `the replica is ${this.phase}; it cannot become ${phase}`);
    }
    this.phase = phase;
  }

  connectionIs(state: ConnectionState): void {
    this.connection = state;
  }

  /** The process that runs the user's code has exited. */
  hostDied(): void {
    this.isHostDead = true;
  }

  /** The reason, in one line, why only a restart can help; undefined when the replica is alive. */
  whyNotAlive(): string | undefined {
    if (this.isHostDead) return "the process of the function's code has exited";
    if (this.connection === 'closed' && this.phase !== 'ending') return 'the connection to NATS is closed';
    return undefined;
  }

  /** The reason, in one line, why the replica takes no records; undefined when it is ready. */
  whyNotReady(): string | undefined {
    const { phase } = this;
    if (phase === 'ending' || this.stop.aborted) return 'stopping';
    const whyNotAlive = this.whyNotAlive();
    if (whyNotAlive !== undefined) return whyNotAlive;
    if (this.connection === 'lost') return 'the connection to NATS is lost';
    if (phase === 'connecting') return 'starting: connecting to NATS';
    return phase === 'loading' ? 'starting: loading the function' : undefined;
  }
}
