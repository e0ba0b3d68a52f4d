import { randomBytes } from 'node:crypto';
import { ConfigError, StateError } from '../../../../lib/errors';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import type {
  CanceledRedrive,
  LetterChange,
  LetterConditions,
  LetterDetail,
  LetterFilter,
  LetterGroup,
  LetterPage,
  LetterQuery,
  LetterSelection,
  LetterShowQuery,
  LetterView,
  RedriveSelection,
  RedriveView,
} from '../../../api-contract/letters';
import type { StoredLetter } from '../../../engine/letters/stored-letter';
import type { LargeRecords, LetterOrder, LetterPlace, Letters, Redrive } from '../../ports/letters';
import type { LetterRequester } from '../ports/flow-letters';
import { LetterGroups, matchesConditions } from './choose-letters';
import { askedOnce, withLargeRecord } from './large-records';

/** Letters of one group of conditions, and what else was found. */
interface Chosen {
  readonly letters: readonly StoredLetter[];
  readonly change: Omit<LetterChange, 'isDryRun' | 'redrive'>;
}

/**
 * What people do with dead letters: list, group, show, redrive, discard, restore. A selection without `letters` means the letters
 * that exist at the time of the request.
 */
export class LetterDesk {
  constructor(
    private readonly letters: Letters,
    /** Default: large records are shown as their claims. */
    private readonly largeRecords: LargeRecords = { fetch: async () => undefined },
  ) {}

  /** One page of letters, the oldest first. */
  async list(flow: FlowKey, { after = 0, limit, discarded, ...conditions }: LetterQuery): Promise<LetterPage> {
    const place = placeOf(discarded);
    const redriving = await this.redriving(flow, place);
    const found: LetterView[] = [];
    let last = 0;
    for await (const letter of this.matching(flow, { place, conditions, after })) {
      if (found.length === limit) return { letters: found, next: last };
      found.push(viewOf(letter, redriving));
      last = letter.position;
    }
    return { letters: found };
  }

  /** Letters by function, error and place, the largest group first. */
  async groups(flow: FlowKey, { discarded, ...conditions }: LetterFilter): Promise<LetterGroup[]> {
    const place = placeOf(discarded);
    const redriving = await this.redriving(flow, place);
    const groups = new LetterGroups();
    for await (const letter of this.matching(flow, { place, conditions })) {
      groups.add(letter, redriving.has(letter.position));
    }
    return groups.all();
  }

  /** A letter with its record and its attempts. Throws StateError `letter-missing`. */
  async show(flow: FlowKey, letter: number, { raw }: LetterShowQuery = { raw: false }): Promise<LetterDetail> {
    for (const place of ['dead', 'discarded'] as const) {
      const position = await this.positionOf(flow, place, letter);
      if (position === undefined) continue;
      for await (const found of this.letters.read(flow, { place, after: position - 1, withRecords: true })) {
        if (found.letter !== letter) break; // it was removed a moment ago
        const detail = await this.detailOf(flow, found, await this.redriving(flow, place));
        return withLargeRecord(flow, detail, { raw, letters: this.letters, records: this.largeRecords });
      }
    }
    throw missing(flow, letter);
  }

  /** The matching letters with their records, large ones too, the oldest first. */
  async *export(flow: FlowKey, { discarded, ...conditions }: LetterFilter) {
    const place = placeOf(discarded);
    const redriving = await this.redriving(flow, place);
    const large = { raw: false, letters: this.letters, records: askedOnce(this.largeRecords) };
    for await (const letter of this.matching(flow, { place, conditions, withRecords: true })) {
      yield await withLargeRecord(flow, await this.detailOf(flow, letter, redriving), large);
    }
  }

  /** Makes the functions process letters again. Letters that are being processed again already are left alone. */
  async redrive(
    flow: FlowKey,
    { dryRun, rate, ...selection }: RedriveSelection,
    requester: LetterRequester,
  ): Promise<LetterChange> {
    const { letters, change } = await this.choose(flow, { place: 'dead', isEligible: isRedrivable }, selection);
    if (letters.length === 0) await this.assertNotOfSources(flow, selection);
    if (dryRun || letters.length === 0) return { ...change, isDryRun: dryRun };
    const order = orderOf(requester);
    const id = newId(order.at);
    await this.letters.redrive(flow, letters, { ...order, id, ...(rate === undefined ? {} : { rate }) });
    return { ...change, isDryRun: false, redrive: id };
  }

  /** Moves letters aside, from where they can be restored. */
  discard(flow: FlowKey, selection: LetterSelection, requester: LetterRequester): Promise<LetterChange> {
    return this.move(flow, 'discarded', { selection, requester });
  }

  restore(flow: FlowKey, selection: LetterSelection, requester: LetterRequester): Promise<LetterChange> {
    return this.move(flow, 'dead', { selection, requester });
  }

  /** The last redrives, the newest first. */
  async redrives(flow: FlowKey): Promise<RedriveView[]> {
    return (await this.letters.redrives(flow)).map(redriveView);
  }

  /** Throws StateError `redrive-missing`. */
  async cancel(flow: FlowKey, id: string): Promise<CanceledRedrive> {
    const canceled = await this.letters.cancel(flow, id, new Date().toISOString());
    const redrive = (await this.letters.redrives(flow)).find((each) => each.id === id);
    if (canceled === undefined || redrive === undefined) {
      const name = flowName(flow);
      throw new StateError('redrive-missing', `${name} has no redrive "${id}"; list them first`, { where: name });
    }
    return { ...redriveView(redrive), canceled };
  }

  private async move(
    flow: FlowKey,
    to: LetterPlace,
    { selection, requester }: { readonly selection: LetterSelection; readonly requester: LetterRequester },
  ): Promise<LetterChange> {
    const { dryRun, ...rest } = selection;
    const { letters, change } = await this.choose(flow, { place: to === 'dead' ? 'discarded' : 'dead' }, rest);
    if (!dryRun) await this.letters.move(flow, letters, to, orderOf(requester));
    return { ...change, isDryRun: dryRun };
  }

  private async choose(
    flow: FlowKey,
    {
      place,
      isEligible = () => true,
    }: { readonly place: LetterPlace; readonly isEligible?: (letter: StoredLetter) => boolean },
    { letters: ids, all, ...conditions }: Omit<LetterSelection, 'dryRun'>,
  ): Promise<Chosen> {
    const isChosen = ids !== undefined || Object.values(conditions).some((condition) => condition !== undefined);
    if (!isChosen && all !== true) {
      throw new ConfigError('setting-missing', 'no letters are chosen; name letters or a condition, or choose all');
    }
    const redriving = await this.redriving(flow, place);
    const wanted = ids === undefined ? undefined : new Set(ids);
    const groups = new LetterGroups();
    const letters: StoredLetter[] = [];
    let skipped = 0;
    for await (const letter of this.matching(flow, { place, conditions })) {
      if (wanted !== undefined && !wanted.delete(letter.letter)) continue;
      if (!isEligible(letter)) continue;
      if (redriving.has(letter.position)) skipped++;
      else {
        letters.push(letter);
        groups.add(letter, false);
      }
    }
    const change = {
      letters: letters.length,
      functions: countsOf(letters),
      groups: groups.all(),
      redriving: skipped,
      missing: [...(wanted ?? [])],
    };
    return { letters, change };
  }

  /** Throws StateError when the selection has letters, and all of them are of sources. */
  private async assertNotOfSources(flow: FlowKey, selection: Omit<LetterSelection, 'dryRun'>): Promise<void> {
    const { letters, change } = await this.choose(flow, { place: 'dead' }, selection);
    if (letters.length === 0) return;
    const functions = Object.keys(change.functions).join(', ');
    const message = `${flowName(flow)}: a source cannot produce a record again, so its letters are not redriven (${functions}); correct the source or its schema, then discard them`;
    throw new StateError('letter-of-source', message, { where: flowName(flow) });
  }

  private async positionOf(flow: FlowKey, place: LetterPlace, letter: number): Promise<number | undefined> {
    for await (const found of this.letters.read(flow, { place })) if (found.letter === letter) return found.position;
    return undefined;
  }

  private async *matching(
    flow: FlowKey,
    { place, conditions, after = 0, withRecords = false }: Matching,
  ): AsyncIterable<StoredLetter> {
    const { function: functionId } = conditions;
    if (functionId !== undefined && !functionName.test(functionId)) return; // it would be a pattern of subjects
    const which = { place, withRecords, after, ...(functionId === undefined ? {} : { function: functionId }) };
    for await (const letter of this.letters.read(flow, which)) {
      if (matchesConditions(letter, conditions)) yield letter;
    }
  }

  private async redriving(flow: FlowKey, place: LetterPlace): Promise<ReadonlySet<number>> {
    return place === 'dead' ? this.letters.redriving(flow) : new Set();
  }

  private async detailOf(flow: FlowKey, letter: StoredLetter, redriving: ReadonlySet<number>): Promise<LetterDetail> {
    const { history, trace, traceparent, storedAt, stored, discarded, payload } = letter;
    const traceId = traceparent?.split('-')[1];
    return {
      ...viewOf(letter, redriving),
      ...(storedAt === '' ? {} : { storedAt }),
      ...(trace === undefined ? {} : { trace }),
      attempts: history.attempts.map(({ number, at, replica, reason, type, message, redrive }) => ({
        number,
        at,
        replica,
        reason,
        error: `${type}: ${message}`,
        ...(redrive === undefined ? {} : { redrive }),
      })),
      ...(history.omitted === undefined ? {} : { omittedAttempts: history.omitted }),
      redriven: [...history.redrives],
      storedOutputs: stored,
      ...(discarded === undefined ? {} : { discarded }),
      ...(traceId === undefined ? {} : { traceId }),
      ...(isRedrivable(letter)
        ? await this.letters.recordOf(flow, payload)
        : { json: Buffer.from(payload).toString() }),
      payload: Buffer.from(payload).toString('base64'),
    };
  }
}

const functionName = /^[a-z0-9-]+$/;

interface Matching {
  readonly place: LetterPlace;
  readonly conditions: LetterConditions;
  /** Only letters after this position. */
  readonly after?: number;
  readonly withRecords?: boolean;
}

/** A letter of a source has no origin: nothing can produce its record again. */
function isRedrivable({ stream }: StoredLetter): boolean {
  return stream !== '';
}

function placeOf(isDiscarded: boolean): LetterPlace {
  return isDiscarded ? 'discarded' : 'dead';
}

function viewOf(letter: StoredLetter, redriving: ReadonlySet<number>): LetterView {
  const { letter: name, function: functionId, failedAt, reason, errorType, error, place, replica } = letter;
  const { stream, sequence, deliveries, history, bytes, discarded, position } = letter;
  return {
    letter: name,
    function: functionId,
    state: discarded !== undefined ? 'discarded' : redriving.has(position) ? 'redriving' : 'open',
    failedAt,
    reason,
    errorType,
    error,
    ...(place === undefined ? {} : { place }),
    ...(replica === '' ? {} : { replica }),
    stream,
    sequence,
    deliveries,
    redrives: history.redrives.length,
    bytes,
  };
}

function redriveView({ functions, canceledAt, ...redrive }: Redrive): RedriveView {
  const letters = Object.values(functions).reduce((sum, count) => sum + count, 0);
  const state = redrive.pending > 0 ? 'running' : canceledAt === undefined ? 'done' : 'canceled';
  return { ...redrive, functions, letters, state };
}

function countsOf(letters: readonly StoredLetter[]): { [functionId: string]: number } {
  const counts: { [functionId: string]: number } = {};
  for (const { function: id } of letters) counts[id] = (counts[id] ?? 0) + 1;
  return counts;
}

function orderOf({ by, comment }: LetterRequester): LetterOrder {
  return { by, at: new Date().toISOString(), ...(comment === undefined ? {} : { comment }) };
}

/** Ids sort by time. */
function newId(at: string): string {
  return `${at.replace(/\D/g, '')}-${randomBytes(2).toString('hex')}`;
}

function missing(flow: FlowKey, letter: number): StateError {
  const name = flowName(flow);
  return new StateError('letter-missing', `${name} has no dead letter ${letter}; it was processed, or never existed`, {
    where: name,
  });
}
