import type { LetterChange, LetterDetail, LetterGroup, LetterView, RedriveView } from '../../../api-contract/letters';
import { age, counted, fullCount } from '../../render/measures';
import { type Column, renderTable } from '../../render/table';
import { mediumOf } from '../../terminal/output';

/** In the groups: the letters name no place. */
export const noPlace = '-';

export function renderGroups(groups: readonly LetterGroup[]): string {
  const nowMs = Date.now();
  const columns: readonly Column<LetterGroup>[] = [
    { head: 'FUNCTION', cell: (group) => group.function },
    { head: 'LETTERS', align: 'right', cell: ({ letters }) => fullCount(letters) },
    { head: 'REDRIVING', align: 'right', cell: ({ redriving }) => (redriving === 0 ? '-' : fullCount(redriving)) },
    { head: 'ERROR', cell: errorOf },
    { head: 'PLACE', cell: ({ place = noPlace }) => place, dispensable: 1 },
    { head: 'OLDEST', align: 'right', cell: ({ oldest }) => age(oldest, nowMs) },
    { head: 'MESSAGE', cell: ({ error }) => error, isTruncated: true },
  ];
  return renderTable(groups, columns, mediumOf(process.stdout));
}

export function renderLetters(letters: readonly LetterView[]): string {
  const nowMs = Date.now();
  const columns: readonly Column<LetterView>[] = [
    { head: 'LETTER', align: 'right', cell: ({ letter }) => String(letter) },
    { head: 'FUNCTION', cell: (letter) => letter.function },
    { head: 'STATE', cell: ({ state }) => state },
    { head: 'AGE', align: 'right', cell: ({ failedAt }) => age(failedAt, nowMs) },
    { head: 'ATTEMPTS', align: 'right', cell: ({ deliveries }) => String(deliveries), dispensable: 2 },
    { head: 'REDRIVES', align: 'right', cell: ({ redrives }) => String(redrives), dispensable: 1 },
    { head: 'ERROR', cell: errorOf },
    { head: 'MESSAGE', cell: ({ error }) => error, isTruncated: true },
  ];
  return renderTable(letters, columns, mediumOf(process.stdout));
}

export function renderRedrives(redrives: readonly RedriveView[]): string {
  const nowMs = Date.now();
  const columns: readonly Column<RedriveView>[] = [
    { head: 'REDRIVE', cell: ({ id }) => id },
    { head: 'STATE', cell: ({ state }) => state },
    { head: 'LETTERS', align: 'right', cell: ({ letters }) => fullCount(letters) },
    { head: 'PENDING', align: 'right', cell: ({ pending }) => fullCount(pending) },
    { head: 'FAILED', align: 'right', cell: ({ failed }) => fullCount(failed) },
    { head: 'RATE', align: 'right', cell: ({ rate }) => (rate === undefined ? '-' : `${rate}/s`), dispensable: 1 },
    { head: 'BY', cell: ({ by }) => by },
    { head: 'AGE', align: 'right', cell: ({ at }) => age(at, nowMs) },
    { head: 'COMMENT', cell: ({ comment = '' }) => comment, isTruncated: true },
  ];
  return renderTable(redrives, columns, mediumOf(process.stdout));
}

/** A letter with its attempts and its record, as lines. */
export function renderLetter(letter: LetterDetail): string {
  const { revision, image, stream, sequence, storedAt, replica, storedOutputs, traceId, discarded, place } = letter;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['letter', `${letter.letter}, ${letter.state}`],
    ['function', letter.function],
    ['replica', replica],
    ['revision', revision === undefined ? undefined : `${revision}${image === undefined ? '' : `, image ${image}`}`],
    [
      'record',
      stream === '' ? 'of the source' : `${stream}:${sequence}${storedAt === undefined ? '' : `, stored ${storedAt}`}`,
    ],
    ['outputs stored', storedOutputs || 'none'],
    ['trace', traceId],
    ['failed', `${letter.failedAt}, ${letter.reason}`],
    ['error', `${letter.errorType}: ${letter.error}`],
    ['place', place],
    ['discarded', discarded && `${discarded.at} by ${discarded.by}${quoted(discarded.comment)}`],
  ];
  const lines = facts.flatMap(([name, value]) => (value === undefined ? [] : [`${name.padEnd(15)} ${value}`]));
  const redriven = letter.redriven.map(({ id, by, at, comment }) => `  ${id}  ${at} by ${by}${quoted(comment)}`);
  const attempts = letter.attempts.map(
    (attempt) =>
      `  ${attempt.number}  ${attempt.at}  ${attempt.replica || '-'}  ${attempt.error}${attempt.redrive === undefined ? '' : `  (redrive ${attempt.redrive})`}`,
  );
  const omitted = letter.omittedAttempts === undefined ? [] : [`  … ${letter.omittedAttempts} more`];
  return [
    ...lines,
    ...section('attempts', [...attempts, ...omitted]),
    ...section('redrives', redriven),
    ...section('traceback', letter.trace === undefined ? [] : letter.trace.split('\n').map((line) => `  ${line}`)),
    ...section('record', [`  ${cutText(letter.json ?? letter.fault ?? '', 'of the record')}`]),
    ...(letter.claim === undefined ? [] : [`  ${placeOfRecord(letter.claim)}`]),
    ...section('message (base64)', [`  ${cutText(letter.payload, 'in base64')}`]),
    '',
  ].join('\n');
}

/** Where a large record is. */
export function placeOfRecord({ bucket, key }: NonNullable<LetterDetail['claim']>): string {
  return `object ${key} in the bucket ${bucket}`;
}

/** Longest record, and longest message, that is shown. */
const maxShown = 4_000;

function cutText(text: string, what: string): string {
  if (text.length <= maxShown) return text;
  const rest = `${fullCount(text.length)} characters ${what}; --raw writes the message, --output json shows everything`;
  return `${text.slice(0, maxShown)}…\n  (${rest})`;
}

/** What a change did, with the groups of its letters. */
export function renderChange(change: LetterChange, effect: string): string {
  const { letters, groups, redriving, missing } = change;
  const lines = [
    `${counted(letters, 'letter')} ${effect}`,
    ...groups.map(
      (group) => `  ${group.function}: ${counted(group.letters, 'letter')}, ${errorOf(group)}: ${group.error}`,
    ),
    ...(redriving === 0 ? [] : [`${counted(redriving, 'letter')} left alone: being processed again already`]),
    ...(missing.length === 0 ? [] : [`not found: ${missing.join(', ')}`]),
  ];
  return `${(letters === 0 ? ['no letters', ...lines.slice(1)] : lines).join('\n')}\n`;
}

function section(name: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', name, ...lines];
}

function errorOf({ reason, errorType }: { readonly reason: string; readonly errorType: string }): string {
  return reason === 'exception' ? errorType : reason;
}

function quoted(comment: string | undefined): string {
  return comment === undefined ? '' : `  "${comment}"`;
}
