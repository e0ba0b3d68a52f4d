import type { FlowPhase } from '../../runtime/api-contract/flow-phase';
import type { FlowStatus } from '../../runtime/api-contract/flow-status';
import { closeAfterFile } from './close-after-file';
import { Workplace } from './kflow-cli';
import { type Numbered, NumberFlow } from './number-flow';
import { RunningStack } from './running-stack';

/** A separate stack and the number flows of a test, which uses only the documented requests. */
export class LifePlace {
  readonly close = closeAfterFile('a stack', async () => {
    await this.stack.close();
    await this.place.ran('down');
    this.place.remove();
    for (const flow of this.flows) flow.remove();
  });
  private readonly flows: NumberFlow[] = [];

  private constructor(
    readonly place: Workplace,
    readonly stack: RunningStack,
  ) {}

  /** Starts a stack whose pauses wait three seconds for records in flight. */
  static async up(): Promise<LifePlace> {
    process.env.KFLOW_CONTROLLER_TIMES_PAUSE_GRACE_SECONDS = '3';
    const place = new Workplace();
    return new LifePlace(place, await RunningStack.up(place));
  }

  flow(jobId: string, mode: 'batch' | 'stream'): NumberFlow {
    const flow = new NumberFlow(jobId, mode);
    this.flows.push(flow);
    return flow;
  }

  /** The records that a sink has written, ordered by code and number. */
  async ledger(flow: NumberFlow, sink = 'sink'): Promise<readonly Numbered[]> {
    return LifePlace.inOrder(await this.stack.records<Numbered>(flow.bucketOf(sink)));
  }

  async submit(flow: NumberFlow, document: object): Promise<void> {
    const answer = await this.stack.call('POST', `/kflows/v1/${flow.name}`, document);
    expect(answer).toMatchObject({ status: 201 });
  }

  async update(document: object): Promise<void> {
    expect(await this.stack.call('POST', '/kflows/update/v1', document)).toMatchObject({ status: 200 });
  }

  /** Sends a request such as pause, resume, scale or replay, and expects it to be accepted. */
  async request(flow: NumberFlow, kind: string, body: object = {}): Promise<void> {
    const answer = await this.stack.call('POST', `/kflows/v1/${flow.name}/${kind}`, body);
    expect([200, 202]).toContain(answer.status);
  }

  async stop(flow: NumberFlow): Promise<void> {
    await this.stack.call('DELETE', `/kflows/v1/${flow.name}/stop=true`);
    await this.closed(flow, 'Stopped');
  }

  async inPhase(flow: NumberFlow, phase: FlowPhase): Promise<FlowStatus> {
    return this.stack.until(flow.name, `to be ${phase}`, ({ status }) => status === phase);
  }

  async closed(flow: NumberFlow, phase: FlowPhase): Promise<FlowStatus> {
    const isThere = ({ status, closeTime }: FlowStatus) => closeTime !== null && status === phase;
    return this.stack.until(flow.name, `to be ${phase}`, isThere);
  }

  async calm(flow: NumberFlow): Promise<FlowStatus> {
    return this.stack.until(flow.name, 'to run and be healthy', LifePlace.isCalm);
  }

  /** Waits until a function has exactly this many ready replicas and processes. */
  async ready(flow: NumberFlow, functionId: string, replicas: number): Promise<void> {
    await this.stack.until(flow.name, `${replicas} replicas of ${functionId}`, (status) => {
      const part = LifePlace.partOf(status, functionId);
      const isReady = part?.replicas === replicas && part.ready === replicas;
      return LifePlace.isCalm(status) && isReady && this.stack.pidsOf(flow.name)[functionId]?.length === replicas;
    });
  }

  /** Waits until a function has processed more than this many records. */
  async moving(flow: NumberFlow, functionId: string, count: number): Promise<void> {
    await this.stack.until(flow.name, `more than ${count} records through ${functionId}`, (status) => {
      return (LifePlace.partOf(status, functionId)?.in ?? 0) > count;
    });
  }

  /** Waits until a function has processed exactly this many records and holds none. */
  async processed(flow: NumberFlow, functionId: string, count: number): Promise<void> {
    await this.stack.until(flow.name, `${functionId} to have processed ${count}`, (status) => {
      const part = LifePlace.partOf(status, functionId);
      return part?.in === count && part.held === 0;
    });
  }

  static partOf({ functions }: FlowStatus, id: string): FlowStatus['functions'][number] | undefined {
    return functions.find((each) => each.function === id);
  }

  static isCalm({ status, health }: FlowStatus): boolean {
    return status === 'Running' && health.state === 'healthy';
  }

  static inOrder(records: readonly Numbered[]): readonly Numbered[] {
    return [...records].sort((one, other) => one.by.localeCompare(other.by) || one.n - other.n);
  }
}
