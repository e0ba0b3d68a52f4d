import type { JetStreamManager, NatsConnection } from 'nats';
import { DiscardPolicy, nanos, headers as newHeaders, RetentionPolicy, StorageType, type StoredMsg } from 'nats';
import {
  deadLetterStream,
  deadLetterSubject,
  discardedStream,
  discardedSubject,
  stateBucket,
} from '../../../../lib/plan/names';
import type { FlowKey } from '../../../api-contract/flow-key';
import type {
  LetterOrder,
  LetterPlace,
  LetterRecord,
  Letters,
  ReadLetters,
  Redrive,
  RedriveOrder,
} from '../../../controller/ports/letters';
import { AvroSchemaCodec, isAvroMessage, schemaText, writerOf } from '../../../engine/avro-message';
import { parseClaim } from '../../../engine/claim';
import { indexesOf, rangesOf } from '../../../engine/letters/index-set';
import type { StoredLetter } from '../../../engine/letters/stored-letter';
import { jetStreamOf, managerOf } from '../access/jetstream-api';
import { ensureStream } from '../provision';
import { callServer, ignoreMissing, quickRequests } from '../retry-request';
import { SchemaRegistry } from '../schema-registry';
import { headerOf, readLetters } from './read-letters';
import { removeLetter } from './redrive-deliveries';
import { type RedriveEntry, RedriveLog } from './redrive-log';
import { RedriveQueue } from './redrive-queue';

/** How long a discarded letter can be restored, and how much room the discarded letters of a flow have. */
const discardedForMs = 14 * 24 * 60 * 60_000;
const discardedMaxBytes = 1024 ** 3;
const concurrentMoves = 32;

/** The dead letters of flows on a JetStream server. */
export class JetStreamLetters implements Letters {
  private constructor(
    private readonly connection: NatsConnection,
    private readonly manager: JetStreamManager,
  ) {}

  static async open(connection: NatsConnection): Promise<JetStreamLetters> {
    return new JetStreamLetters(connection, await managerOf(connection, quickRequests));
  }

  read(flow: FlowKey, { place, function: functionId, after, withRecords }: ReadLetters): AsyncIterable<StoredLetter> {
    const stream = streamOf(flow, place);
    const subject = subjectOf(flow, functionId ?? '*', place);
    return readLetters(this.connection, { stream, subject, after: after ?? 0, headersOnly: withRecords !== true });
  }

  async recordOf(flow: FlowKey, payload: Uint8Array): Promise<LetterRecord> {
    try {
      if (!isAvroMessage(payload)) {
        const claim = parseClaim(payload);
        return claim === undefined ? {} : { claim, fault: 'the record is large; the object store has it' };
      }
      const registry = await SchemaRegistry.open(this.connection, { ...flow, stateBucket: stateBucket(flow) });
      const schema = await registry.schemaOf(writerOf(payload));
      const codec = new AvroSchemaCodec(schema);
      return { json: codec.json(codec.decode(payload)), schema: schemaText(schema) };
    } catch (error) {
      return { fault: (error as Error).message };
    }
  }

  async redriving(flow: FlowKey): Promise<ReadonlySet<number>> {
    return (await RedriveQueue.of(this.connection, flow)).queued();
  }

  async redrive(flow: FlowKey, letters: readonly StoredLetter[], order: RedriveOrder): Promise<number> {
    if (letters.length === 0) return 0;
    const stream = deadLetterStream(flow);
    const { state } = await callServer(`stream ${stream}`, () => this.manager.streams.info(stream));
    const { id, by, at, comment, rate } = order;
    const log = await RedriveLog.of(this.connection, flow);
    await log.save({ ...order, letters: positionsByFunction(letters), head: state.last_seq });
    const queue = await RedriveQueue.of(this.connection, flow);
    const startMs = Date.parse(at);
    const note = { redrive: id, by, at, ...(comment === undefined ? {} : { comment }) };
    await queue.add(
      letters.map((letter, index) => ({
        function: letter.function,
        command: {
          ...note,
          letter: letter.position,
          ...(rate === undefined ? {} : { notBeforeMs: Math.round(startMs + (index * 1_000) / rate) }),
        },
      })),
    );
    return letters.length;
  }

  async redrives(flow: FlowKey): Promise<readonly Redrive[]> {
    const log = await RedriveLog.of(this.connection, flow);
    const entries = await log.all();
    if (entries.length === 0) return [];
    const queued = await this.redriving(flow);
    const failed = await this.failedAgain(flow, Math.min(...entries.map(({ head }) => head)));
    return entries.map((entry) => redriveOf(entry, queued, failed.get(entry.id) ?? 0));
  }

  async cancel(flow: FlowKey, redrive: string, at: string): Promise<number | undefined> {
    const log = await RedriveLog.of(this.connection, flow);
    const entry = await log.find(redrive);
    if (entry === undefined) return undefined;
    await log.save({ ...entry, canceledAt: entry.canceledAt ?? at }); // first: what a replica pulls from now on, it drops
    const queue = await RedriveQueue.of(this.connection, flow);
    let removed = 0;
    for (const [functionId, letters] of Object.entries(entry.letters)) {
      removed += await queue.remove(functionId, redrive, indexesOf(letters));
    }
    return removed;
  }

  async move(flow: FlowKey, letters: readonly StoredLetter[], to: LetterPlace, order: LetterOrder): Promise<number> {
    if (letters.length === 0) return 0;
    if (to === 'discarded') await this.provisionDiscarded(flow);
    let moved = 0;
    for (let at = 0; at < letters.length; at += concurrentMoves) {
      moved += await this.moveSome(flow, letters.slice(at, at + concurrentMoves), { to, order });
    }
    return moved;
  }

  /** Stores the letters in their order; returns how many were still there. */
  private async moveSome(
    flow: FlowKey,
    letters: readonly StoredLetter[],
    { to, order }: { readonly to: LetterPlace; readonly order: LetterOrder },
  ): Promise<number> {
    const from = streamOf(flow, to === 'dead' ? 'discarded' : 'dead');
    const client = jetStreamOf(this.connection, quickRequests);
    const messageOf = ({ position: seq }: StoredLetter) =>
      callServer(`stream ${from}`, () => ignoreMissing(this.manager.streams.getMessage(from, { seq })));
    const messages = await Promise.all(letters.map(messageOf));
    const stored = letters.map(async (letter, index) => {
      const message = messages[index];
      if (message === undefined) return false;
      const subject = subjectOf(flow, letter.function, to);
      const headers = headersOf(message, letter, to === 'discarded' ? order : undefined);
      const msgID = `${to}:${letter.letter}:${letter.position}`;
      const target = `stream ${streamOf(flow, to)}`;
      await callServer(target, () => client.publish(subject, message.data, { headers, msgID }));
      await callServer(`stream ${from}`, () => removeLetter(this.manager, from, letter.position));
      return true;
    });
    return (await Promise.all(stored)).filter(Boolean).length;
  }

  private async provisionDiscarded(flow: FlowKey): Promise<void> {
    const dead = deadLetterStream(flow);
    const { config } = await callServer(`stream ${dead}`, () => this.manager.streams.info(dead));
    await ensureStream(this.manager, {
      name: discardedStream(flow),
      subjects: [discardedSubject(flow, '*')],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.Old,
      max_age: nanos(discardedForMs),
      max_bytes: discardedMaxBytes,
      num_replicas: config.num_replicas,
      allow_direct: true,
    });
  }

  /** The number of letters of records that failed in a redrive, by its id. */
  private async failedAgain(flow: FlowKey, head: number): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    const range = { stream: deadLetterStream(flow), after: head, headersOnly: true };
    for await (const { redrive } of readLetters(this.connection, range)) {
      if (redrive !== undefined) counts.set(redrive, (counts.get(redrive) ?? 0) + 1);
    }
    return counts;
  }
}

function streamOf(flow: FlowKey, place: LetterPlace): string {
  return place === 'dead' ? deadLetterStream(flow) : discardedStream(flow);
}

function subjectOf(flow: FlowKey, functionId: string, place: LetterPlace): string {
  return place === 'dead' ? deadLetterSubject(flow, functionId) : discardedSubject(flow, functionId);
}

function positionsByFunction(letters: readonly StoredLetter[]): RedriveEntry['letters'] {
  const ids = [...new Set(letters.map((letter) => letter.function))];
  const positionsOf = (id: string) =>
    letters.filter((letter) => letter.function === id).map(({ position }) => position);
  return Object.fromEntries(ids.map((id) => [id, rangesOf(positionsOf(id))]));
}

function redriveOf({ letters, head: _, ...entry }: RedriveEntry, queued: ReadonlySet<number>, failed: number): Redrive {
  const positions = Object.entries(letters).map(([id, ranges]) => [id, [...indexesOf(ranges)]] as const);
  return {
    ...entry,
    functions: Object.fromEntries(positions.map(([id, own]) => [id, own.length])),
    pending: positions.flatMap(([, own]) => own).filter((position) => queued.has(position)).length,
    failed,
  };
}

/** The headers of a letter that is moved: those of KFlow, its name, and who discarded it. */
function headersOf(message: StoredMsg, letter: StoredLetter, discard: LetterOrder | undefined) {
  const read = headerOf(message.header);
  const moved = newHeaders();
  for (const name of message.header?.keys() ?? []) {
    if (!/^(Nats-|Kflow-Discarded-)/i.test(name)) moved.set(name, read(name));
  }
  moved.set('Kflow-Letter', String(letter.letter));
  moved.set('Kflow-Writer', letter.writer);
  if (discard === undefined) return moved;
  moved.set('Kflow-Discarded-By', encodeURIComponent(discard.by));
  moved.set('Kflow-Discarded-At', discard.at);
  if (discard.comment !== undefined)
    moved.set('Kflow-Discarded-Comment', encodeURIComponent(discard.comment.slice(0, 300)));
  return moved;
}
