import { outputsOf } from '../../lib/plan/function-spec';
import type { JetStreamFlowState } from '../adapters/jetstream/jetstream-flow-state';
import { DriftNotes } from '../adapters/jetstream/keepers/drift-notes';
import { InputKeeper } from '../adapters/jetstream/keepers/input-keeper';
import { OutputKeeper } from '../adapters/jetstream/keepers/output-keeper';
import { StateKeeper } from '../adapters/jetstream/keepers/state-keeper';
import { pause } from '../async/pause';
import type { ReplicaContext } from './replica-context';

const checkEveryMs = 1_000;
/** Outputs, and the flow's state, are checked every so many rounds. */
const outputRounds = 2;
const stateRounds = 4;

/**
 * Keeps the streams and consumers of a replica while it runs: notes its position, and reconciles what somebody removes or
 * changes from outside.
 */
export class Upkeep {
  private readonly replacement = new AbortController();
  private readonly closing = new AbortController();
  private wake: () => void = () => undefined;
  private running: Promise<void> = Promise.resolve();

  private constructor(
    private readonly log: ReplicaContext['log'],
    private readonly inputs: readonly InputKeeper[],
    private readonly outputs: readonly OutputKeeper[],
    private readonly state: StateKeeper,
    private readonly flowState: Pick<JetStreamFlowState, 'isRunOver'>,
  ) {}

  /** Resolves when every input exists, or when the replica must stop. */
  static async start(context: ReplicaContext): Promise<Upkeep> {
    const { spec, environment, links, log, stop } = context;
    const { connection, manager, state } = links;
    const warn = (text: string) => log('WARNING', text);
    const drifts = new DriftNotes(connection, spec, warn);
    const shared = { connection, manager, spec, drifts, warn, isWatched: environment.isWatched };
    const inputs = links.consumers.map(({ puller, ...input }) => new InputKeeper({ ...shared, state, input, puller }));
    const outputs = [...outputsOf(spec), undefined].map((output) => new OutputKeeper({ ...shared, output }));
    const restoreSchemas = () => links.schemas.restore();
    const upkeep = new Upkeep(log, inputs, outputs, new StateKeeper({ ...shared, restoreSchemas }), state);
    await upkeep.open(stop);
    for (const { puller } of links.consumers) puller.onConsumerLost(() => upkeep.wake());
    upkeep.running = upkeep.run(stop);
    return upkeep;
  }

  /** Aborted when an input stream was recreated, or the flow's next run has begun: the replica must end, and start again. */
  get replaced(): AbortSignal {
    return this.replacement.signal;
  }

  /** Checks a last time. Call it when the replica has settled its records. */
  async close(): Promise<void> {
    this.closing.abort();
    this.wake();
    await this.running;
    for (const input of this.inputs) await this.quietly(() => input.close());
  }

  private async open(stop: AbortSignal): Promise<void> {
    for (const output of this.outputs) await this.quietly(() => output.check());
    await this.quietly(() => this.state.check());
    for (const input of this.inputs) {
      while (!stop.aborted && (await this.quietly(() => input.open())) !== 'present') await pause(checkEveryMs, stop);
    }
  }

  /** A replica that stops restores no state: its flow may have been deleted, and another of its name created. */
  private async run(stop: AbortSignal): Promise<void> {
    for (let round = 1; !this.closing.signal.aborted; round++) {
      const woken = new AbortController();
      this.wake = () => woken.abort();
      await pause(checkEveryMs, woken.signal);
      if (this.closing.signal.aborted) return;
      for (const input of this.inputs) {
        if ((await this.quietly(() => input.check())) === 'replaced') this.replacement.abort();
      }
      const isStateRound = round % stateRounds === 0;
      if (isStateRound && !stop.aborted && (await this.quietly(() => this.state.check()))) {
        for (const input of this.inputs) input.forgetSaved();
      }
      if (isStateRound && (await this.quietly(() => this.flowState.isRunOver())) === true) {
        this.log('WARNING', 'the next run of the flow has begun; this replica ends');
        this.replacement.abort();
      }
      if (round % outputRounds === 0) for (const output of this.outputs) await this.quietly(() => output.check());
    }
  }

  /** A check that fails is repeated: the server may be restarting. */
  private async quietly<T>(check: () => Promise<T>): Promise<T | undefined> {
    try {
      return await check();
    } catch (error) {
      this.log('DEBUG', `cannot check streams and consumers: ${(error as Error).message}`);
      return undefined;
    }
  }
}
