import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import type {
  LetterChange,
  LetterConditions,
  LetterFilter,
  LetterSelection,
  LetterView,
  RedriveView,
} from '../../../api-contract/letters';
import { pause } from '../../../async/pause';
import type { LetterAccess } from '../../client/letters-client';
import type { CommandContext } from '../../frame/command';
import { ExitStatus, usageError } from '../../frame/exit-status';
import { counted } from '../../render/measures';
import { say, writeItem, writeOutput } from '../../terminal/output';
import type { LetterAction } from './letter-action';
import { type LetterSession, type LetterSessionOptions, openLetters } from './open-letters';
import {
  noPlace,
  placeOfRecord,
  renderChange,
  renderGroups,
  renderLetter,
  renderLetters,
  renderRedrives,
} from './render-letters';

/** The command line of `kflow dlq`. */
export interface DlqInput extends LetterSessionOptions {
  readonly job: string;
  readonly action: LetterAction;
  readonly letters: readonly string[];
  readonly function: readonly string[];
  readonly error: string | undefined;
  readonly reason: string | undefined;
  readonly place: string | undefined;
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly all: boolean;
  readonly discarded: boolean;
  readonly raw: boolean;
  readonly dryRun: boolean;
  readonly rate: number | undefined;
  readonly timeout: number | undefined;
  readonly limit: number;
}

const pollMs = 1_000;
/** Letters of a list that one request returns. */
const pageSize = 1_000;

/** `Failed` when letters of a redrive that was waited for failed again, or a large record is missing from what was asked for. */
export async function runDlq(input: DlqInput, context: Pick<CommandContext, 'interrupts'>): Promise<ExitStatus> {
  assertUsed(input);
  const session = await openLetters(input.job, input);
  try {
    return await actions[input.action](session, input, context);
  } finally {
    await session.close();
  }
}

type Act = (
  session: LetterSession,
  input: DlqInput,
  context: Pick<CommandContext, 'interrupts'>,
) => Promise<ExitStatus>;

const actions: { readonly [action in LetterAction]: Act } = {
  async groups({ letters, flow }, input) {
    const groups = await letters.groups(flow, filterOf(input));
    writeOutput(input.output, groups, () => (groups.length === 0 ? 'no letters\n' : renderGroups(groups)));
    if (groups.length > 0 && input.output === 'table') say(`\nsee one: kflow dlq ${flowName(flow)} list, then show`);
    return ExitStatus.Done;
  },

  async list({ letters, flow }, input) {
    const found: LetterView[] = [];
    let after: number | undefined;
    do {
      const limit = Math.min(pageSize, input.limit - found.length);
      const page = await letters.list(flow, { ...filterOf(input), limit, ...(after === undefined ? {} : { after }) });
      found.push(...page.letters);
      after = page.next;
    } while (after !== undefined && found.length < input.limit);
    writeOutput(input.output, found, () => (found.length === 0 ? 'no letters\n' : renderLetters(found)));
    if (after !== undefined && input.output === 'table') say(`there are more; --limit is ${input.limit}`);
    return ExitStatus.Done;
  },

  async show({ letters, flow }, input) {
    const { raw, output } = input;
    if (raw) return showRaw(letters, flow, numbersOf(input));
    for (const letter of numbersOf(input)) {
      const found = await letters.show(flow, letter);
      writeItem(output, found, () => renderLetter(found));
    }
    return ExitStatus.Done;
  },

  async export({ letters, flow }, input) {
    let count = 0;
    const faults: string[] = [];
    for await (const letter of letters.export(flow, filterOf(input))) {
      process.stdout.write(`${JSON.stringify(letter)}\n`);
      count++;
      if (letter.claim !== undefined && letter.fault !== undefined) faults.push(letter.fault);
    }
    say(`exported ${counted(count, 'letter')}`);
    if (faults.length === 0) return ExitStatus.Done;
    say(`without the record of ${counted(faults.length, 'letter')}: ${faults[0]}`);
    return ExitStatus.Failed;
  },

  async redrive(session, input, context) {
    const { letters, flow } = session;
    const { rate } = input;
    const selection = { ...selectionOf(input), ...(rate === undefined ? {} : { rate }) };
    const change = await letters.redrive(flow, selection);
    report(change, input, `queued, redrive ${change.redrive}`);
    if (change.redrive === undefined) return ExitStatus.Done;
    if (change.waits !== undefined) say(`no function processes them now: ${change.waits}`);
    const todo = await session.runAgain?.(Object.keys(change.functions));
    if (todo !== undefined) say(todo);
    return input.wait ? waitForRedrive(session, change.redrive, { input, context }) : ExitStatus.Done;
  },

  async redrives({ letters, flow }, { output }) {
    const redrives = await letters.redrives(flow);
    writeOutput(output, redrives, () => (redrives.length === 0 ? 'no redrives\n' : renderRedrives(redrives)));
    return ExitStatus.Done;
  },

  async cancel({ letters, flow }, input) {
    const [id, ...others] = input.letters;
    if (id === undefined || others.length > 0) throw usageError('want the id of one redrive; kflow dlq JOB redrives');
    const canceled = await letters.cancel(flow, id);
    const text = `${id}: canceled; ${counted(canceled.canceled, 'letter')} had not begun\n`;
    writeOutput(input.output, canceled, () => text);
    return ExitStatus.Done;
  },

  async discard({ letters, flow }, input) {
    report(await letters.discard(flow, selectionOf(input)), input, 'discarded; restore brings them back');
    return ExitStatus.Done;
  },

  async restore({ letters, flow }, input) {
    report(await letters.restore(flow, selectionOf(input)), input, 'restored');
    return ExitStatus.Done;
  },
};

/** Actions that choose letters by conditions only. */
const byConditions: readonly LetterAction[] = ['groups', 'list', 'export'];
const ofDiscarded: readonly LetterAction[] = [...byConditions, 'restore', 'show'];
const counting: readonly LetterAction[] = ['redrive', 'discard', 'restore'];

/** Refuses what would narrow or soften another action, and would be ignored by this one. */
function assertUsed({ action, letters, discarded, dryRun }: DlqInput): void {
  if (letters.length > 0 && byConditions.includes(action)) {
    throw usageError(
      `${action}: want no number of a letter; "show ${letters.join(' ')} --output json" writes these letters`,
    );
  }
  if (discarded && !ofDiscarded.includes(action)) {
    throw usageError(`--discarded: ${action} takes no discarded letters; restore them first`);
  }
  if (dryRun && !counting.includes(action)) throw usageError(`--dry-run: want ${counting.join(', ')}, not ${action}`);
}

/** Writes the message of one letter. `Failed` when a large record cannot be read. */
async function showRaw(
  letters: LetterAccess,
  flow: FlowKey,
  [letter, ...others]: readonly number[],
): Promise<ExitStatus> {
  if (letter === undefined || others.length > 0) throw usageError('--raw: want the number of one letter');
  const { payload, claim, fault } = await letters.show(flow, letter, { raw: true });
  if (claim !== undefined && fault !== undefined) {
    say(`${fault}; ${placeOfRecord(claim)}`);
    return ExitStatus.Failed;
  }
  process.stdout.write(Buffer.from(payload, 'base64'));
  return ExitStatus.Done;
}

function report(change: LetterChange, { output }: DlqInput, effect: string): void {
  writeOutput(output, change, () => renderChange(change, change.isDryRun ? 'counted, nothing changed' : effect));
}

/** Shows the progress of a redrive until none of its letters is left to process. */
async function waitForRedrive(
  { letters, flow }: LetterSession,
  id: string,
  { input, context }: { readonly input: DlqInput; readonly context: Pick<CommandContext, 'interrupts'> },
): Promise<ExitStatus> {
  const interrupts = context.interrupts();
  const deadline = Date.now() + (input.timeout ?? Number.POSITIVE_INFINITY);
  let shown = '';
  while (interrupts.count === 0) {
    const redrive = (await letters.redrives(flow)).find((each) => each.id === id);
    const text = redrive === undefined ? 'removed' : progressOf(redrive);
    if (text !== shown) say(text);
    shown = text;
    if (redrive?.state !== 'running') return redrive?.failed === 0 ? ExitStatus.Done : ExitStatus.Failed;
    if (Date.now() > deadline) return ExitStatus.TimedOut;
    await pause(pollMs);
  }
  say(`the redrive goes on; kflow dlq ${flowName(flow)} cancel ${id} ends it`);
  return ExitStatus.Failed;
}

function progressOf({ letters, pending, failed, state }: RedriveView): string {
  const again = failed === 0 ? '' : `, ${failed} failed again`;
  return `${state}: ${letters - pending} of ${letters} processed${again}`;
}

function filterOf(input: DlqInput): LetterFilter {
  return { ...conditionsOf(input), discarded: input.discarded };
}

function selectionOf(input: DlqInput): LetterSelection {
  const numbers = input.letters.length === 0 ? {} : { letters: [...numbersOf(input)] };
  return { ...numbers, ...conditionsOf(input), ...(input.all ? { all: true as const } : {}), dryRun: input.dryRun };
}

function conditionsOf(input: DlqInput): LetterConditions {
  const { function: functions, error, reason, place, since, until } = input;
  const [functionId, ...others] = functions;
  if (others.length > 0) throw usageError('--function: want one function');
  const shownPlace = place === noPlace ? '' : place;
  const given = Object.entries({ function: functionId, error, reason, place: shownPlace, since, until });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

function numbersOf({ letters, action }: DlqInput): readonly number[] {
  if (letters.length === 0) throw usageError(`${action}: want the number of a letter; kflow dlq JOB list shows them`);
  return letters.map((letter) => {
    if (/^[1-9]\d*$/.test(letter)) return Number(letter);
    throw usageError(`letter: want a number, got "${letter}"`);
  });
}
