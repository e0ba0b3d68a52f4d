import { createHash } from 'node:crypto';
import { type KV, type NatsConnection, NatsError } from 'nats';
import type { FlowState, ListedObjects, SourcePosition } from '../../engine/flow-state';
import type { Publisher } from '../../engine/publisher';
import { patiently } from './patiently';

/** What a replica notes at its end: with how many others it wrote which streams. */
interface Ending {
  readonly replicas: number;
  readonly streams: readonly string[];
}

/** A flow's state in a KV bucket: `run`, `completed.N`, `ended.N.<function>.<replica>`, `sealed.N.<stream>`, `listed.…`. */
export class JetStreamFlowState implements FlowState {
  private constructor(
    private readonly connection: NatsConnection,
    private readonly bucket: KV,
    private readonly name: string,
  ) {}

  static async open(connection: NatsConnection, bucket: string): Promise<JetStreamFlowState> {
    return new JetStreamFlowState(connection, await patiently(() => connection.jetstream().views.kv(bucket)), bucket);
  }

  async run(): Promise<number> {
    return (await this.number('run')) ?? 1;
  }

  /** The run to work on: the current one when it has not completed, else a new one. */
  async beginRun(): Promise<number> {
    const current = await this.number('run');
    if (current !== undefined && (await this.number(`completed.${current}`)) === undefined) return current;
    const run = (current ?? 0) + 1;
    await this.put('run', String(run));
    if (current !== undefined) await this.forget(current);
    return run;
  }

  async markCompleted(run: number): Promise<void> {
    await this.put(`completed.${run}`, '1');
  }

  async markEnded(writer: string, replica: number, replicas: number, streams: readonly string[]): Promise<void> {
    const run = await this.run();
    const ending: Ending = { replicas, streams };
    await this.put(`ended.${run}.${writer}.${replica}`, JSON.stringify(ending));
    await this.sealIfAllEnded(run, writer, ending);
  }

  /** Seals what this replica left unsealed when it was killed between its end and the seal. */
  async hasEnded(writer: string, replica: number): Promise<boolean> {
    const run = await this.run();
    const ended = await this.text(`ended.${run}.${writer}.${replica}`);
    if (ended === undefined) return false;
    await this.sealIfAllEnded(run, writer, JSON.parse(ended) as Ending);
    return true;
  }

  async sealedAt(stream: string): Promise<number | undefined> {
    return this.number(`sealed.${await this.run()}.${stream}`);
  }

  /** `ever` keeps the list over runs: the source's checkpoint. */
  async listed(source: string, ever: boolean, publisher: Publisher): Promise<ListedObjects> {
    const scope = ever ? 'ever' : String(await this.run());
    const prefix = `listed.${scope}.${source}.`;
    const versions = new Map<string, string>();
    const entries = await patiently(() => this.bucket.history({ key: `${prefix}>` }));
    for await (const entry of entries) versions.set(entry.key.slice(prefix.length), entry.string());
    return new KvListedObjects(`$KV.${this.name}.${prefix}`, versions, publisher);
  }

  /** Where a replica's generator goes on after a restart. */
  async position(source: string, replica: number, publisher: Publisher): Promise<SourcePosition> {
    const key = `position.${await this.run()}.${source}.${replica}`;
    const subject = `$KV.${this.name}.${key}`;
    const save = (stored: number) => {
      const payload = Buffer.from(String(stored));
      publisher.publish({ subject, id: `${subject}:${stored}`, payload }, () => undefined); // not kept: repeats are dropped by id
    };
    return { start: (await this.number(key)) ?? 0, save };
  }

  private async put(key: string, value: string): Promise<void> {
    await patiently(() => this.bucket.put(key, value));
  }

  private async text(key: string): Promise<string | undefined> {
    const entry = await patiently(() => this.bucket.get(key));
    return entry === null || entry.operation !== 'PUT' ? undefined : entry.string();
  }

  private async number(key: string): Promise<number | undefined> {
    const text = await this.text(key);
    return text === undefined ? undefined : Number(text);
  }

  private async sealIfAllEnded(run: number, writer: string, { replicas, streams }: Ending): Promise<void> {
    for (let replica = 0; replica < replicas; replica++) {
      if ((await this.text(`ended.${run}.${writer}.${replica}`)) === undefined) return;
    }
    const manager = await this.connection.jetstreamManager({ checkAPI: false });
    for (const stream of streams) {
      if ((await this.number(`sealed.${run}.${stream}`)) !== undefined) continue;
      const { state } = await patiently(() => manager.streams.info(stream));
      await this.seal(`sealed.${run}.${stream}`, state.last_seq);
    }
  }

  /** The first seal holds: two replicas that end at once read the same last sequence. */
  private async seal(key: string, sequence: number): Promise<void> {
    try {
      await patiently(() => this.bucket.create(key, String(sequence)));
    } catch (error) {
      if (!(error instanceof NatsError) || (await this.number(key)) === undefined) throw error;
    }
  }

  private async forget(run: number): Promise<void> {
    for (const prefix of ['ended', 'sealed', 'listed', 'position'].map((kind) => `${kind}.${run}`)) {
      const keys = await patiently(() => this.bucket.keys(`${prefix}.>`));
      for await (const key of keys) await patiently(() => this.bucket.purge(key));
    }
  }
}

class KvListedObjects implements ListedObjects {
  constructor(
    private readonly subjectPrefix: string,
    private readonly versions: Map<string, string>,
    private readonly publisher: Publisher,
  ) {}

  has(key: string, version: string): boolean {
    return this.versions.get(tokenOf(key)) === version;
  }

  add(key: string, version: string): Promise<void> {
    const token = tokenOf(key);
    this.versions.set(token, version);
    const subject = this.subjectPrefix + token;
    return new Promise((resolve, reject) => {
      this.publisher.publish({ subject, id: `${subject}:${version}`, payload: Buffer.from(version) }, (result) => {
        if (result instanceof Error) reject(result);
        else resolve();
      });
    });
  }
}

/** An object key of any length and alphabet as one token of a subject. */
function tokenOf(key: string): string {
  return createHash('sha256').update(key).digest('base64url').slice(0, 32);
}
