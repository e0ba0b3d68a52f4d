import { type FlowKey, flowName } from '../../runtime/api-contract/flow-key';
import type {
  LetterOrder,
  LetterPlace,
  LetterRecord,
  Letters,
  ReadLetters,
  Redrive,
  RedriveOrder,
} from '../../runtime/controller/ports/letters';
import { noHistory } from '../../runtime/engine/letters/letter-history';
import type { StoredLetter } from '../../runtime/engine/letters/stored-letter';

interface FlowLetters {
  readonly dead: Map<number, StoredLetter>;
  readonly discarded: Map<number, StoredLetter>;
  readonly redrives: { readonly order: RedriveOrder; readonly letters: readonly StoredLetter[]; canceledAt?: string }[];
  /** Positions of queued letters, with the redrive. */
  readonly queue: Map<number, string>;
  last: number;
}

/** The letters of flows in memory. No function processes a redriven letter unless the test does: see `settle`. */
export class MemoryLetters implements Letters {
  private readonly flows = new Map<string, FlowLetters>();

  /** `assertExists` throws for a flow that does not exist. */
  constructor(private readonly assertExists: (flow: FlowKey) => void = () => undefined) {}

  /** A function gives up a record; returns the number of its letter. */
  add(flow: FlowKey, functionId: string, facts: Partial<StoredLetter> = {}): number {
    const own = this.of(flow);
    const position = ++own.last;
    own.dead.set(position, {
      letter: position,
      position,
      bytes: facts.payload?.length ?? 0,
      payload: new Uint8Array(),
      function: functionId,
      stream: 'in',
      sequence: position,
      storedAt: '2026-01-31T08:00:00.000Z',
      writer: functionId,
      deliveries: 5,
      failedAt: '2026-01-31T08:00:01.000Z',
      reason: 'exception',
      errorType: 'ValueError',
      error: 'no',
      replica: `${functionId}-0`,
      stored: '',
      history: noHistory,
      ...facts,
    });
    return position;
  }

  /** The function processes every queued letter: those of `failing` fail again. */
  settle(flow: FlowKey, failing: readonly number[] = []): void {
    const own = this.of(flow);
    for (const [position, id] of own.queue) {
      const letter = own.dead.get(position);
      own.dead.delete(position);
      if (letter !== undefined && failing.includes(position)) {
        const order = own.redrives.find((redrive) => redrive.order.id === id)?.order;
        const redrives = order === undefined ? [] : [order];
        this.add(flow, letter.function, { redrive: id, history: { ...letter.history, redrives } });
      }
    }
    own.queue.clear();
  }

  async *read(flow: FlowKey, { place, function: functionId, after = 0, withRecords }: ReadLetters) {
    for (const letter of [...this.of(flow)[place].values()]) {
      if (letter.position <= after || (functionId !== undefined && letter.function !== functionId)) continue;
      yield withRecords === true ? letter : { ...letter, payload: new Uint8Array() };
    }
  }

  async recordOf(_flow: FlowKey, payload: Uint8Array): Promise<LetterRecord> {
    const text = Buffer.from(payload).toString();
    return text.startsWith('{"claim":') ? { claim: JSON.parse(text).claim, fault: 'large' } : { json: text };
  }

  async redriving(flow: FlowKey): Promise<ReadonlySet<number>> {
    return new Set(this.of(flow).queue.keys());
  }

  async redrive(flow: FlowKey, letters: readonly StoredLetter[], order: RedriveOrder): Promise<number> {
    const own = this.of(flow);
    if (letters.length > 0) own.redrives.unshift({ order, letters });
    for (const { position } of letters) if (!own.queue.has(position)) own.queue.set(position, order.id);
    return letters.length;
  }

  async redrives(flow: FlowKey): Promise<readonly Redrive[]> {
    const own = this.of(flow);
    return own.redrives.map(({ order, letters, canceledAt }) => ({
      ...order,
      functions: Object.fromEntries(
        letters.map(({ function: id }) => [id, letters.filter((letter) => letter.function === id).length]),
      ),
      pending: letters.filter(({ position }) => own.queue.has(position)).length,
      failed: [...own.dead.values()].filter(({ redrive }) => redrive === order.id).length,
      ...(canceledAt === undefined ? {} : { canceledAt }),
    }));
  }

  async cancel(flow: FlowKey, redrive: string, at: string): Promise<number | undefined> {
    const own = this.of(flow);
    const found = own.redrives.find(({ order }) => order.id === redrive);
    if (found === undefined) return undefined;
    found.canceledAt ??= at;
    const queued = found.letters.filter(({ position }) => own.queue.delete(position));
    return queued.length;
  }

  async move(
    flow: FlowKey,
    letters: readonly StoredLetter[],
    to: LetterPlace,
    { by, at, comment }: LetterOrder,
  ): Promise<number> {
    const own = this.of(flow);
    const from = to === 'dead' ? own.discarded : own.dead;
    const discarded = { by, at, ...(comment === undefined ? {} : { comment }) };
    const there = letters.flatMap(({ position }) => from.get(position) ?? []);
    for (const { discarded: _, ...letter } of there) {
      from.delete(letter.position);
      const position = ++own.last;
      own[to].set(position, { ...letter, position, ...(to === 'discarded' ? { discarded } : {}) });
    }
    return there.length;
  }

  private of(flow: FlowKey): FlowLetters {
    this.assertExists(flow);
    const name = flowName(flow);
    const found = this.flows.get(name) ?? {
      dead: new Map(),
      discarded: new Map(),
      redrives: [],
      queue: new Map(),
      last: 0,
    };
    this.flows.set(name, found);
    return found;
  }
}
