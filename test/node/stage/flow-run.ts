import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NatsConnection } from 'nats';
import { deadLetterStream, streamName } from '../../../lib/plan/names';
import type { NatsAccess } from '../../../lib/plan/nats-access';
import { connectNats } from '../../../runtime/adapters/jetstream/access/connect-nats';
import { readLetters } from '../../../runtime/adapters/jetstream/letters/read-letters';
import type { FlowStatus } from '../../../runtime/api-contract/flow-status';
import { AvroSchemaCodec } from '../../../runtime/engine/avro-message';
import { Hopeless } from '../../support/wait-for';
import type { InstalledController } from './controller';
import { eventually } from './eventually';
import {
  apply,
  type ClusterObject,
  image,
  kflow,
  kubectl,
  listObjects,
  makeNamespace,
  openStore,
  readNode,
} from './node';
import { jobId, type NumberFlow, type NumberRecord, numberDocument, schema } from './number-document';

/** A flow of numbers on the node, and what has arrived at its sink. */
export abstract class FlowRun {
  protected readonly folder = mkdtempSync(path.join(tmpdir(), 'kflow-node-'));
  protected readonly store = openStore();

  constructor(readonly flow: NumberFlow) {}

  get namespace(): string {
    return this.flow.namespace;
  }

  abstract readonly isControlled: boolean;
  abstract start(): Promise<void>;
  /** Waits until a batch has ended, or a stream is well, as it is with so many dead letters. */
  abstract untilSettled(letters: number): Promise<void>;

  /** A request to the controller that the flow has: a command of the command line with its options. */
  async request(command: string, ..._options: readonly string[]): Promise<void> {
    throw new Error(`${this.namespace} has no controller for "${command}"`);
  }

  /** Pods of a function, or of all. */
  pods(functionId?: string): Promise<ClusterObject[]> {
    const own = functionId === undefined ? '' : `,kflow.io/function=${functionId}`;
    return listObjects('pods', this.namespace, `kflow.io/job=${jobId}${own}`);
  }

  /** Pods that the Jobs count as failed; none for a flow without Jobs. */
  async failedPods(): Promise<number> {
    const jobs = await listObjects('jobs', this.namespace);
    return jobs.reduce((sum, { status }) => sum + (status.failed ?? 0), 0);
  }

  /** Number of records at the sink. */
  async stored(): Promise<number> {
    return (this.flow.bulk === undefined ? await this.keys() : await this.numbers()).length;
  }

  /** The numbers at the sink in order, one entry for each record. */
  async numbers(): Promise<number[]> {
    const records = await this.records();
    return records.map(({ number }) => number).sort((one, other) => one - other);
  }

  /** The records at the sink. */
  async records(): Promise<NumberRecord[]> {
    const records: NumberRecord[] = [];
    const keys = await this.keys();
    for (let at = 0; at < keys.length; at += 32) {
      const some = keys.slice(at, at + 32);
      const objects = await Promise.all(some.map((key) => this.store.get(this.namespace, key)));
      const lines = objects.flatMap((object) => Buffer.from(object).toString().trim().split('\n'));
      records.push(...lines.map((line) => JSON.parse(line)));
    }
    return records;
  }

  /** The numbers whose records are dead letters: the position in the source's stream tells them. */
  letters(): Promise<number[]> {
    return this.inNats(async (connection) => {
      const numbers: number[] = [];
      for await (const { sequence } of readLetters(connection, {
        stream: deadLetterStream({ ...this.flow, jobId }),
        after: 0,
      })) {
        numbers.push(sequence - 1);
      }
      return numbers;
    });
  }

  /** The records in the order in which `work` has passed them on. */
  passedOn(): Promise<NumberRecord[]> {
    const codec = new AvroSchemaCodec(schema);
    return this.inNats(async (connection) => {
      const manager = await connection.jetstreamManager();
      const stream = streamName({ ...this.flow, jobId }, 'work');
      const { state } = await manager.streams.info(stream);
      const records: NumberRecord[] = [];
      for (let seq = 1; seq <= state.last_seq; seq++) {
        const { data } = await manager.streams.getMessage(stream, { seq });
        records.push(codec.decode(data) as NumberRecord);
      }
      return records;
    });
  }

  /** Whether `work` has been given the record of a number and acked those before, but not this one. */
  holds(number: number): Promise<boolean> {
    return this.inNats(async (connection) => {
      const manager = await connection.jetstreamManager();
      const stream = streamName({ ...this.flow, jobId }, 'source');
      const { ack_floor, delivered } = await manager.consumers.info(stream, 'work');
      return ack_floor.stream_seq === number && delivered.stream_seq > number;
    });
  }

  async close(): Promise<void> {
    await kubectl(['delete', 'namespace', this.namespace, '--wait=false']).catch(() => undefined);
    await this.store.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  protected write(document: object): string {
    const file = path.join(this.folder, 'flow.json');
    writeFileSync(file, JSON.stringify(document));
    return file;
  }

  /** As somebody who may read the flow's streams. */
  protected access(): NatsAccess {
    return { url: readNode().natsUrl };
  }

  protected async inNats<T>(read: (connection: NatsConnection) => Promise<T>): Promise<T> {
    const connection = await connectNats(this.access(), 'test');
    try {
      return await read(connection);
    } finally {
      await connection.close();
    }
  }

  private async keys(): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this.store.list(this.namespace)) keys.push(key);
    return keys;
  }
}

/** A nats that asks for a login, and the files of one for everybody of a namespace. */
export interface GuardedNats {
  readonly url: string;
  readonly login: { readonly [file: string]: string };
}

export interface GitOpsProps {
  /** Default: that of the cluster, where NACK and the pods need no login. */
  readonly nats?: GuardedNats;
  /** Default: the image that the node has. */
  readonly image?: string;
  /** Further options of `kflow synth`. */
  readonly options?: readonly string[];
}

/** `kflow synth`, applied by kubectl; NACK makes the streams. */
export class GitOpsRun extends FlowRun {
  readonly isControlled = false;

  constructor(
    flow: NumberFlow,
    private readonly props: GitOpsProps = {},
  ) {
    super(flow);
  }

  async start(): Promise<void> {
    const { user, password } = readNode().s3;
    const file = this.write(numberDocument(this.flow, { secret: 'store' }));
    await makeNamespace(this.namespace);
    await this.store.ensureBucket(this.namespace);
    await apply([this.secret('store', { user, password })]);
    const { nats, options = [] } = this.props;
    const login = nats === undefined ? [] : await this.logIn(nats);
    await kflow(['synth', file, '--image', this.props.image ?? image, '-o', this.folder, ...login, ...options]);
    await this.deliver(path.join(this.folder, `${jobId}.k8s.yaml`));
  }

  /** Applies the manifests again. */
  async applyAgain(): Promise<void> {
    await this.deliver(path.join(this.folder, `${jobId}.k8s.yaml`));
  }

  /** Brings the manifests of a file to the cluster. */
  protected async deliver(file: string): Promise<void> {
    await apply(readFileSync(file, 'utf8'));
  }

  /** The Secret of the pods and of NACK, and NACK's account; returns the options of `kflow synth`. */
  private async logIn({ url, login }: GuardedNats): Promise<string[]> {
    await apply([this.secret('nats-login', login)]);
    const at = ['--nats-url', url, '--nats-secret', 'nats-login'];
    await apply(await kflow(['nack-account', '--namespace', this.namespace, ...at]));
    return [...at, '--nack-account', 'nats'];
  }

  private secret(name: string, stringData: { readonly [key: string]: string }): object {
    return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: this.namespace }, stringData };
  }

  protected override access(): NatsAccess {
    const { nats } = this.props;
    if (nats === undefined) return super.access();
    const credentials = path.join(this.folder, 'login');
    mkdirSync(credentials, { recursive: true });
    for (const [name, text] of Object.entries(nats.login)) writeFileSync(path.join(credentials, name), text);
    return { url: nats.url, credentials };
  }

  async untilSettled(letters: number): Promise<void> {
    const { mode, keys } = this.flow;
    const readers = keys === undefined ? 'deployment' : 'statefulset';
    const workloads = [
      `deployment/${jobId}--source`,
      ...(mode === 'stream' ? ['work', 'sink'].map((id) => `${readers}/${jobId}--${id}`) : []),
    ];
    await kubectl(['rollout', 'status', '-n', this.namespace, '--timeout', '300s', ...workloads]);
    if (mode === 'stream') return;
    const jobs = await eventually(
      `the Jobs of ${this.namespace} end`,
      () => listObjects('jobs', this.namespace),
      (found) => found.length > 0 && found.every((job) => outcomeOf(job) !== undefined),
    );
    const failed = letters === 0 ? [] : ['work'];
    expect(jobs.filter((job) => outcomeOf(job) === 'Failed').map(functionOf)).toEqual(failed);
    for (const id of failed) await this.expectFailure(id);
  }

  /** Waits until NACK has applied its objects of the flow, of each kind. */
  async untilNackIsReady(): Promise<void> {
    const kinds = ['Consumer', 'KeyValue', 'Stream', ...(this.props.nats === undefined ? [] : ['Account'])].sort();
    const resources = kinds.map((kind) => `${kind.toLowerCase()}s.jetstream.nats.io`).join();
    const objects = await eventually(
      `NACK is done with ${this.namespace}`,
      () => listObjects(resources, this.namespace),
      (found) => found.length > 0 && found.every(isReady),
    );
    expect([...new Set(objects.map(({ kind }) => kind))].sort()).toEqual(kinds);
  }

  /** The first replica that gives up ends the Job, with the exit code for it. */
  private async expectFailure(functionId: string): Promise<void> {
    const [job] = await listObjects('jobs', this.namespace, `kflow.io/function=${functionId}`);
    const failure = job?.status.conditions.find((each: { type: string }) => each.type === 'Failed');
    expect(failure).toMatchObject({ reason: 'PodFailurePolicy', message: expect.stringContaining('exit code 65') });
  }
}

/** A flow of the controller, used through the command line. */
export class ControlledRun extends FlowRun {
  readonly isControlled = true;

  constructor(
    flow: NumberFlow,
    readonly controller: InstalledController,
  ) {
    super(flow);
  }

  async start(): Promise<void> {
    const { user, password } = readNode().s3;
    await makeNamespace(this.namespace);
    await this.controller.kflow('submit', this.write(numberDocument(this.flow, { user, password })));
  }

  async untilSettled(letters: number): Promise<void> {
    const isStream = this.flow.mode === 'stream';
    const wanted = letters > 0 ? 'degraded' : 'healthy';
    const { status, reason } = await eventually(
      `${this.namespace} ${isStream ? `is ${wanted}` : 'ends'}`,
      () => this.controller.status(this.namespace, jobId),
      ({ closeTime, health }) => closeTime !== null || (isStream && health.state === wanted),
    );
    if (isStream) expect(status).toBe('Running');
    else if (letters > 0)
      expect([status, reason]).toEqual(['Completed', expect.stringContaining(`work (${letters} record`)]);
    else expect([status, reason]).toEqual(['Completed', undefined]);
  }

  /** Throws `Hopeless` once the flow has failed. */
  override async stored(): Promise<number> {
    const path = `/kflows/v1/${this.namespace}/${jobId}`;
    // the controller may be what the test has killed
    const answer = (await this.controller.ask(path).catch(() => undefined)) as FlowStatus | undefined;
    if (answer?.status === 'Failed') throw new Hopeless(`${this.namespace} has failed: ${answer.reason}`);
    return super.stored();
  }

  override async request(command: string, ...options: readonly string[]): Promise<void> {
    await this.controller.kflow(command, `${this.namespace}/${jobId}`, ...options);
  }

  override async close(): Promise<void> {
    await this.controller.kflow('delete', `${this.namespace}/${jobId}`, '--force', '--yes').catch(() => undefined);
    await super.close();
  }
}

/** As NACK says of an object, in its present state. */
function isReady({ metadata, status }: ClusterObject): boolean {
  const conditions: readonly { type: string; status: string }[] = status?.conditions ?? [];
  const isApplied = status?.observedGeneration === metadata.generation;
  return isApplied && conditions.some((each) => each.type === 'Ready' && each.status === 'True');
}

function functionOf({ metadata }: ClusterObject): string | undefined {
  return metadata.labels?.['kflow.io/function'];
}

function outcomeOf({ status }: ClusterObject): string | undefined {
  const conditions: readonly { type: string; status: string }[] = status?.conditions ?? [];
  return conditions.find((each) => ['Complete', 'Failed'].includes(each.type) && each.status === 'True')?.type;
}
