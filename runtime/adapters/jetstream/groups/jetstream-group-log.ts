import { randomUUID } from 'node:crypto';
import type { KV, NatsConnection } from 'nats';
import { StoreError } from '../../../../lib/errors';
import type { FunctionSpec } from '../../../../lib/plan/function-spec';
import { Limit } from '../../../async/limit';
import { writerIdOf } from '../../../engine/output-writer';
import type { Delivery } from '../../../engine/ports/delivery';
import type { GroupLog, GroupOutput, LoggedGroup, RecordGroup } from '../../../engine/ports/group-log';
import { jetStreamOf, managerOf } from '../access/jetstream-api';
import { writeIfUnchanged } from '../access/write-if-unchanged';
import { ackFloorOf } from '../partitions/input-progress';
import { readIds } from '../read-ids';
import { ignoreMissing, quickRequests, retryRequest } from '../retry-request';
import { decodeOutputs, encodeOutputs, piecesOf } from './group-outputs';
import {
  emptyLog,
  isTaken,
  type LogContent,
  type LoggedRecord,
  type OpenGroups,
  placeOf,
  rangeCount,
  recordsByOrigin,
  withFloors,
  withStored,
} from './logged-groups';

/** Bytes of a key with outputs, at most half of what the server takes. */
const maxChunkBytes = 512 * 1024;
/** Above as many ranges of stored records, those that are acked are dropped. */
const maxRanges = 2_000;
/** Outputs without groups are of a replica that was killed; younger ones may be of one that writes. */
const leftOverMs = 60 * 60_000;

export interface GroupLogProps {
  readonly connection: NatsConnection;
  readonly spec: FunctionSpec;
  /** When the input streams were created: a recreated stream counts from 1 again. */
  readonly inputsCreated: readonly Date[];
  readonly warn: (text: string) => void;
}

/** A group that waits to be written. */
interface Waiting {
  readonly records: readonly LoggedRecord[];
  readonly group: RecordGroup;
  readonly sinceMs: number;
  readonly settle: (group: LoggedGroup | undefined) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * The log of a function's groups in the flow's state: the key `group.<function>`, and `group.<function>.<token>.<n>` with the
 * outputs of groups that may be incomplete. Groups that come while the log is being written are written together next.
 *
 * L1. The key is written only by who knows its last value, so that no record is in two groups.
 * L2. Outputs are written before the groups are, and removed after the log says that all of them are stored.
 */
export class JetStreamGroupLog implements GroupLog {
  private content: LogContent = emptyLog;
  private revision = 0;
  private waiting: Waiting[] = [];
  private readonly oneAtATime = new Limit(1);
  private reading: Promise<void> | undefined;
  /** Groups all of whose outputs are stored, which the log does not say yet. */
  private readonly done = new Set<string>();
  private readonly logged = new Map<string, LoggedGroup>();
  private readonly key: string;
  private readonly chunkBytes: number;

  private constructor(
    private readonly props: GroupLogProps,
    private readonly bucket: KV,
  ) {
    this.key = `group.${props.spec.function}`;
    this.chunkBytes = Math.min(maxChunkBytes, (props.connection.info?.max_payload ?? maxChunkBytes * 2) / 2);
  }

  static async open(props: GroupLogProps): Promise<JetStreamGroupLog> {
    // with bindOnly, reads go to the leader
    const views = jetStreamOf(props.connection, quickRequests).views;
    const log = new JetStreamGroupLog(props, await views.kv(props.spec.stateBucket, { bindOnly: true }));
    await log.read();
    await log.removeLeftOvers();
    return log;
  }

  write(group: RecordGroup): Promise<LoggedGroup | undefined> {
    return new Promise((settle, fail) => {
      const records = group.records.map((record) => this.recordOf(record));
      const sinceMs = Math.max(...group.records.map(({ timestampMs }) => timestampMs));
      this.waiting.push({ records, group, sinceMs, settle, fail });
      if (this.waiting.length === 1) void this.oneAtATime.run(() => this.writeWaiting());
    });
  }

  async find(delivery: Delivery): Promise<LoggedGroup | undefined> {
    await this.readAgain();
    const place = placeOf(this.content, this.recordOf(delivery));
    if (place === undefined) return undefined;
    return place === 'stored' ? complete : this.loggedOf(place);
  }

  /** Notes what is stored. */
  async close(): Promise<void> {
    await this.oneAtATime.run(async () => {
      while (this.done.size > 0 && !(await this.put(this.content))) await this.read();
    });
  }

  /** Never rejects: an error is that of the groups. */
  private async writeWaiting(): Promise<void> {
    let groups = this.waiting;
    this.waiting = [];
    try {
      await this.dropAcked();
      while (groups.length > 0) {
        groups = this.refuseTaken(groups);
        const open = await this.writeOutputs(groups);
        while (open !== undefined) {
          if (await this.put({ ...this.content, open: [...this.content.open, open] })) {
            this.settle(open, groups);
            return;
          }
          await this.read();
          if (this.isOpen(open.token)) {
            this.settle(open, groups); // it was written, and the answer was lost before another replica wrote
            return;
          }
          if (groups.some(({ records }) => records.some((record) => isTaken(this.content, record)))) {
            this.removeOutputs([open.token]);
            break;
          }
        }
      }
    } catch (error) {
      for (const { fail } of groups) fail(error);
    }
  }

  private refuseTaken(groups: readonly Waiting[]): Waiting[] {
    const names = new Set<string>();
    return groups.filter(({ records, settle }) => {
      const own = records.map(({ origin, sequence }) => `${origin} ${sequence}`);
      const isFree = !own.some((name) => names.has(name)) && !records.some((record) => isTaken(this.content, record));
      if (isFree) for (const name of own) names.add(name);
      else settle(undefined);
      return isFree;
    });
  }

  private async writeOutputs(groups: readonly Waiting[]): Promise<OpenGroups | undefined> {
    if (groups.length === 0) return undefined;
    const token = newToken();
    const outputs = groups.flatMap(({ group }) => group.outputs);
    const chunks = piecesOf(encodeOutputs(outputs), this.chunkBytes);
    await Promise.all(chunks.map((chunk, n) => retryRequest(() => this.bucket.put(this.chunkKey(token, n), chunk))));
    return {
      token,
      records: recordsByOrigin(groups.flatMap(({ records }) => records)),
      sinceMs: Math.min(...groups.map(({ sinceMs }) => sinceMs)),
      chunks: chunks.length,
    };
  }

  /** Each group is stored by itself; the log says so when all are. */
  private settle(open: OpenGroups, groups: readonly Waiting[]): void {
    let left = groups.length;
    for (const { group, settle } of groups) {
      settle({
        missing: async () => group.outputs,
        stored: () => {
          if (--left === 0) this.done.add(open.token);
        },
      });
    }
  }

  private loggedOf(open: OpenGroups): LoggedGroup {
    const known = this.logged.get(open.token);
    if (known !== undefined) return known;
    const logged = { missing: () => this.missingOf(open), stored: () => void this.done.add(open.token) };
    this.logged.set(open.token, logged);
    return logged;
  }

  private async missingOf({ token, chunks, sinceMs }: OpenGroups): Promise<readonly GroupOutput[]> {
    const read = async (n: number) => {
      const entry = await retryRequest(() => this.bucket.get(this.chunkKey(token, n)));
      return entry?.operation === 'PUT' ? [entry.value] : [];
    };
    const pieces = (await Promise.all(Array.from({ length: chunks }, (_, n) => read(n)))).flat();
    if (pieces.length < chunks) return this.withoutOutputs(token);
    const outputs = decodeOutputs(Buffer.concat(pieces));
    const { output } = this.props.spec;
    const missing = new Map(outputs.map((each) => [each.id, each]));
    if (output === undefined) return outputs;
    const range = { stream: output.stream, start: { sinceMs } };
    await retryRequest(() => ignoreMissing(readIds(this.props.connection, range, (id) => missing.delete(id))));
    return [...missing.values()];
  }

  /** Another replica has noted meanwhile that all are stored, and has removed the outputs; or somebody else has removed them. */
  private async withoutOutputs(token: string): Promise<readonly GroupOutput[]> {
    await this.readAgain();
    if (!this.isOpen(token)) return [];
    const { stateBucket } = this.props.spec;
    throw new StoreError(
      'stream-failed',
      `outputs of records that were acked together were removed from the bucket ${stateBucket}: ${this.key}.${token}`,
    );
  }

  private isOpen(token: string): boolean {
    return this.content.open.some((groups) => groups.token === token);
  }

  /** Writes the log, with what is known to be stored. False when another replica was faster (L1). */
  private async put(content: LogContent): Promise<boolean> {
    const tokens = new Set(this.done);
    const next = withStored(content, tokens);
    const value = JSON.stringify(next);
    const { key, revision } = this;
    const written = await retryRequest(() => writeIfUnchanged(this.bucket, { key, value, revision }));
    if (written === undefined) return false;
    this.content = next;
    this.revision = written;
    for (const token of tokens) {
      this.done.delete(token);
      this.logged.delete(token);
    }
    this.removeOutputs([...tokens]);
    return true;
  }

  private readAgain(): Promise<void> {
    this.reading ??= this.oneAtATime.run(() => {
      this.reading = undefined; // whoever comes now may look for something newer
      return this.read();
    });
    return this.reading;
  }

  private async read(): Promise<void> {
    const entry = await retryRequest(() => this.bucket.get(this.key));
    this.revision = entry?.revision ?? 0;
    this.content = entry === null || entry.operation !== 'PUT' ? emptyLog : (JSON.parse(entry.string()) as LogContent);
  }

  /** Keeps the log short: forgets stored records that are acked. */
  private async dropAcked(): Promise<void> {
    if (rangeCount(this.content) <= maxRanges) return;
    const manager = await managerOf(this.props.connection, quickRequests);
    const floors = new Map<string, number>();
    for (const input of this.props.spec.inputs) {
      const floor = await ackFloorOf(manager, input);
      if (floor !== undefined) floors.set(this.originOf(input.stream), floor);
    }
    this.content = withFloors(this.content, floors);
  }

  /** L2; what is left over is removed at a later start. */
  private removeOutputs(tokens: readonly string[]): void {
    for (const token of tokens) {
      this.purge(`${this.key}.${token}.>`).catch((error) =>
        this.props.warn(`${this.key}: not removed: ${String(error)}`),
      );
    }
  }

  private async removeLeftOvers(): Promise<void> {
    const known = new Set(this.content.open.map(({ token }) => token));
    const { stateBucket } = this.props.spec;
    const manager = await managerOf(this.props.connection, quickRequests);
    const filter = { subjects_filter: `$KV.${stateBucket}.${this.key}.*.*` };
    const { state } = await retryRequest(() => manager.streams.info(`KV_${stateBucket}`, filter));
    const tokens = new Set(Object.keys(state.subjects ?? {}).map((subject) => subject.split('.').at(-2) ?? ''));
    const isLeftOver = (token: string) => !known.has(token) && Date.now() - timeOf(token) > leftOverMs;
    this.removeOutputs([...tokens].filter(isLeftOver));
  }

  private async purge(key: string): Promise<void> {
    const { stateBucket } = this.props.spec;
    const manager = await managerOf(this.props.connection, quickRequests);
    const filter = `$KV.${stateBucket}.${key}`;
    await retryRequest(() => ignoreMissing(manager.streams.purge(`KV_${stateBucket}`, { filter })));
  }

  private recordOf({ stream, sequence, redriven }: Delivery): LoggedRecord {
    return { origin: this.originOf(stream, redriven?.writer), sequence, isRedriven: redriven !== undefined };
  }

  private originOf(stream: string, writer = writerIdOf(this.props.spec)): string {
    const index = this.props.spec.inputs.findIndex((input) => input.stream === stream);
    return `${writer}:${stream}@${this.props.inputsCreated[index]?.toISOString() ?? ''}`;
  }

  private chunkKey(token: string, n: number): string {
    return `${this.key}.${token}.${n}`;
  }
}

/** Tokens begin with their time. */
function newToken(): string {
  return `${Date.now().toString(36)}-${randomUUID()}`;
}

function timeOf(token: string): number {
  return Number.parseInt(token.split('-')[0] ?? '', 36);
}

/** A group all of whose outputs are stored. */
const complete: LoggedGroup = { missing: async () => [], stored: () => undefined };
