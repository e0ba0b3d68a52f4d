import type { FunctionSpec } from '../../lib/plan/function-spec';
import { kindOf } from '../../lib/topology/function-types/function-type';
import { MemoryConnection } from '../adapters/memory/memory-connection';
import type { HostRecord, Log } from '../engine/ports/host';
import { readEnvironment } from '../replica/environment';
import { ReplicaHealth } from '../replica/replica-health';
import { runReader } from '../replica/run-reader';
import { readSource } from '../replica/run-source';
import { type Interruptions, type MessageOrigin, type Moment, originOfId } from './interruptions';
import type { MemoryFlow, MemoryReplica } from './memory-flow';
import type { WatchedHost } from './watched-host';

export interface TestReplicaProps {
  readonly flow: MemoryFlow;
  readonly spec: FunctionSpec;
  /** This replica, from 0. */
  readonly number: number;
  readonly baseDir: string;
  /** The environment of the function. */
  readonly env: NodeJS.ProcessEnv;
  readonly interruptions: Interruptions;
  readonly log: Log;
  /** Called when the function has got a record. */
  readonly onRecord: (record: HostRecord) => void;
}

export type TestReplicaEnd =
  /** All input is processed. */
  | { readonly is: 'done' }
  /** Another replica takes its place. */
  | { readonly is: 'interrupted' }
  | { readonly is: 'failed'; readonly error: Error };

/**
 * A replica in this process: the same loop and the same host processes as those of `runReplica`, over a flow in memory.
 *
 * I1. After `kill`, nothing that the replica does has an effect: what it has not acked is delivered again.
 */
export class TestReplica {
  /** Resolves when the replica, or the process of its function, is gone. */
  readonly ended: Promise<TestReplicaEnd>;
  private readonly connection = new MemoryConnection();
  private readonly stopping = new AbortController();
  private readonly hosts: WatchedHost[] = [];
  private onKilled: (end: TestReplicaEnd) => void = () => undefined;

  constructor(private readonly props: TestReplicaProps) {
    const killed = new Promise<TestReplicaEnd>((resolve) => {
      this.onKilled = resolve;
    });
    this.ended = Promise.race([killed, this.run()]);
  }

  /** Ends the replica as SIGKILL does (I1). */
  async kill(): Promise<void> {
    this.connection.close();
    this.stopping.abort();
    await Promise.all(this.hosts.map((host) => host.kill()));
    this.onKilled({ is: 'interrupted' });
  }

  /** Ends the replica as SIGTERM does: records in process are finished, the others are given back. */
  stop(): void {
    this.stopping.abort();
  }

  private async run(): Promise<TestReplicaEnd> {
    const { spec, flow, number, baseDir, env, log } = this.props;
    const { connection, stopping } = this;
    const unset = { KFLOW_SPEC: '', KFLOW_NATS_URL: '' };
    const read = readEnvironment({ ...env, ...unset, KFLOW_REPLICA: String(number), KFLOW_BASE_DIR: baseDir });
    const environment = {
      ...read,
      env,
      /** A killed process does not finish what it does. */
      get shutdownMs() {
        return connection.isClosed ? 0 : read.shutdownMs;
      },
    };
    const whileOpen: Log = (level, text, about) => {
      if (!connection.isClosed) log(level, text, about);
    };
    const replica: MemoryReplica = {
      spec,
      environment,
      connection,
      log: whileOpen,
      onHost: (host) => this.hosts.push(host),
      onRecord: (record) => this.got(record),
      onStored: ({ id }) => {
        this.reached('output', originOfId(id));
        if (this.isLimited()) void this.kill();
      },
      onAck: (delivery) => this.reached('ack', delivery),
    };
    try {
      const context = {
        spec,
        environment,
        counters: { in: 0, out: 0, failed: 0, dead: 0 },
        errorCounts: { sent: 0, dropped: 0 },
        health: new ReplicaHealth(stopping.signal),
        log: whileOpen,
        stop: stopping.signal,
      };
      if (kindOf(spec.type) === 'source') await readSource({ ...context, links: flow.sourceLinksOf(replica) });
      else await runReader({ ...context, links: flow.linksOf(replica) });
      return stopping.signal.aborted ? this.interrupted() : { is: 'done' };
    } catch (error) {
      return connection.isClosed ? this.interrupted() : { is: 'failed', error: error as Error };
    }
  }

  private got(record: HostRecord): void {
    const { spec, onRecord } = this.props;
    const { input, sequence } = record.origin;
    onRecord(record);
    const stream = spec.inputs[input]?.stream;
    if (stream !== undefined) this.reached('start', { stream, sequence });
  }

  private reached(moment: Moment, origin: MessageOrigin | undefined): void {
    if (this.connection.isClosed || origin === undefined) return;
    const line = this.props.interruptions.due(this.props.spec.function, moment, origin);
    if (line?.kind === 'crash') void this.kill();
    else if (line?.kind === 'pause') this.stop();
  }

  /** The source has emitted what the test takes. */
  private isLimited(): boolean {
    const { spec, flow } = this.props;
    return kindOf(spec.type) === 'source' && flow.streams.stream(spec.output?.stream ?? '').isFull;
  }

  /** The connection ends with the replica: what it still held is delivered again. */
  private interrupted(): TestReplicaEnd {
    this.connection.close();
    return { is: 'interrupted' };
  }
}
