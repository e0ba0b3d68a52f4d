import { ErrorCode, type JetStreamManager, type NatsConnection, NatsError } from 'nats';
import { JetStreamFlowState } from '../../../runtime/adapters/jetstream/jetstream-flow-state';
import { DriftNotes } from '../../../runtime/adapters/jetstream/keepers/drift-notes';
import { StateKeeper } from '../../../runtime/adapters/jetstream/keepers/state-keeper';
import { specOf } from '../../unit/plan/planned';
import { JetStreamPlace } from '../jetstream/jetstream-place';
import { RunningFlow } from './running-flow';

let place: JetStreamPlace;

beforeAll(async () => {
  place = await JetStreamPlace.start();
});
afterAll(() => place.close());

/** A flow whose source has ended. */
class EndedSource {
  private constructor(private readonly flow: RunningFlow) {}

  static async provision(jobId: string): Promise<EndedSource> {
    const flow = await RunningFlow.provision(place, jobId, { mode: 'batch', count: 1 });
    const state = await JetStreamFlowState.open(place.connection, flow.plan.stateBucket);
    await state.markEnded({ function: 'source', streams: [flow.stream('source')] });
    return new EndedSource(flow);
  }

  async removeBucket(): Promise<void> {
    await place.manager.streams.delete(`KV_${this.flow.plan.stateBucket}`);
  }

  /** Creates what is missing, as a controller or NACK does. */
  async provisionAgain(): Promise<void> {
    await place.streams.provision(this.flow.plan);
  }

  async restored(): Promise<unknown> {
    const state = await JetStreamFlowState.open(place.connection, this.flow.plan.stateBucket);
    const sealedAt = await state.sealedAt(this.flow.stream('source'));
    return { ended: await state.endedFunctions(), sealedAt, notes: await this.notes() };
  }

  /** A keeper that has seen the end of the source. */
  async keeper(functionId: string, faults: Faults = new Faults()): Promise<StateKeeper> {
    const { connection } = place;
    const manager = faults.manager(place.manager);
    const spec = specOf(this.flow.plan, functionId);
    const keeper = new StateKeeper({
      connection: faults.connection(connection),
      manager,
      spec,
      drifts: new DriftNotes(connection, spec),
      restoreSchemas: () => faults.restoreSchemas(),
    });
    expect(await keeper.check()).toBe(false);
    return keeper;
  }

  private async notes(): Promise<readonly string[]> {
    const drifts = await Promise.all(['source', 'map', 'leaf'].map((id) => this.flow.drifts(id)));
    return drifts.flat().map(({ reason }) => reason);
  }
}

/** Fails the next request to a subject that ends with a text, or the next storing of schemas. */
class Faults {
  private next: string | undefined;
  /** Called once, before the next value is read. */
  beforeRead: (() => Promise<void>) | undefined;

  fail(ending: string): void {
    this.next = ending;
  }

  connection(connection: NatsConnection): NatsConnection {
    const request: NatsConnection['request'] = async (subject, ...rest) => {
      this.occur(subject);
      return connection.request(subject, ...rest);
    };
    return Object.create(connection, { request: { value: request } }) as NatsConnection;
  }

  manager(manager: JetStreamManager): JetStreamManager {
    const getMessage: JetStreamManager['streams']['getMessage'] = async (stream, query) => {
      const act = this.beforeRead;
      this.beforeRead = undefined;
      await act?.();
      return manager.streams.getMessage(stream, query);
    };
    const streams = Object.create(manager.streams, { getMessage: { value: getMessage } });
    return Object.create(manager, { streams: { value: streams } }) as JetStreamManager;
  }

  async restoreSchemas(): Promise<void> {
    this.occur('schemas');
  }

  private occur(subject: string): void {
    if (this.next === undefined || !subject.endsWith(this.next)) return;
    this.next = undefined;
    throw new NatsError('the request failed', ErrorCode.Timeout);
  }
}

const whole = { ended: ['source'], sealedAt: 0, notes: ['StateRestored'] };

test.each([
  ['a value', 'ended.1.source'],
  ['the first value', 'run'],
  ['the schemas', 'schemas'],
])('the state is restored whole after %s could not be stored', async (_, ending) => {
  const flow = await EndedSource.provision(`midway-${ending.replaceAll('.', '-')}`);
  const faults = new Faults();
  const keeper = await flow.keeper('map', faults);
  await flow.removeBucket();
  faults.fail(ending);
  await expect(keeper.check()).rejects.toThrow('the request failed');
  expect(await keeper.check()).toBe(true);
  expect(await flow.restored()).toEqual(whole);
  expect(await keeper.check()).toBe(false);
});

test('the state is restored whole when the bucket is removed while it is read', async () => {
  const flow = await EndedSource.provision('removed-while-read');
  const faults = new Faults();
  const keeper = await flow.keeper('map', faults);
  faults.beforeRead = () => flow.removeBucket();
  expect(await keeper.check()).toBe(true);
  expect(await flow.restored()).toEqual(whole);
});

test('a bucket that somebody else created again gets the state, noted once for the functions of the flow', async () => {
  const flow = await EndedSource.provision('created-again');
  const keepers = [await flow.keeper('map'), await flow.keeper('leaf')];
  await flow.removeBucket();
  await flow.provisionAgain();
  for (const keeper of keepers) expect(await keeper.check()).toBe(true);
  expect(await flow.restored()).toEqual(whole);
});
