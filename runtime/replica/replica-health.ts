import { StateError } from '../../lib/errors';

/** The connection to nats; `closed`: for good, the client does not try again. */
export type ConnectionState = 'up' | 'lost' | 'closed';

const phases = ['connecting', 'loading', 'working', 'ending'] as const;
/** A replica's life, in this order: it connects to nats, loads the function, works, and puts things in order. */
export type ReplicaPhase = (typeof phases)[number];

/**
 * What a replica says to its probes.
 *
 * I1. It is alive unless only another start mends it: an absent server, back pressure or a slow record are to be waited
 *     for, and a restart would lose what is under way.
 * I2. It is ready while it takes records, or would if there were any.
 */
export class ReplicaHealth {
  private phase: ReplicaPhase = 'connecting';
  private connection: ConnectionState | undefined;
  private isHostDead = false;

  /** `stop`: the replica was told to end. */
  constructor(private readonly stop: AbortSignal) {}

  /** Throws StateError on a way back. */
  enter(phase: ReplicaPhase): void {
    if (phases.indexOf(phase) <= phases.indexOf(this.phase)) {
      throw new StateError('state-invalid', `the replica is ${this.phase} and cannot go to ${phase}`);
    }
    this.phase = phase;
  }

  connectionIs(state: ConnectionState): void {
    this.connection = state;
  }

  /** The process that runs the user's code is gone. */
  hostDied(): void {
    this.isHostDead = true;
  }

  /** Why the replica can get no further, in one line; undefined when it is alive. */
  whyNotAlive(): string | undefined {
    if (this.isHostDead) return "the process of the function's code has died";
    if (this.connection === 'closed' && this.phase !== 'ending') return 'the connection to nats is closed for good';
    return undefined;
  }

  /** Why the replica takes no records, in one line; undefined when it is ready. */
  whyNotReady(): string | undefined {
    const { phase } = this;
    if (phase === 'ending' || this.stop.aborted) return 'stopping';
    const whyNotAlive = this.whyNotAlive();
    if (whyNotAlive !== undefined) return whyNotAlive;
    if (this.connection === 'lost') return 'the connection to nats is lost';
    if (phase === 'connecting') return 'starting: connecting to nats';
    return phase === 'loading' ? 'starting: loading the function' : undefined;
  }
}
