import type { z } from 'zod';
import { childrenOf } from '../../plain-map';
import { documentSchema } from '../document/document-schema';
import { knownKeysAt } from '../document/known-keys';
import { metaSettings } from '../document/meta-setting';
import { suggest } from '../problem/nearest-name';
import { type DocumentPath, valueAt } from '../problem/problem';
import { showValue } from '../problem/show-value';
import type { Finding, ProblemList } from '../read/problem-list';

/** Checks the shape of a document, by default of a topology: unknown and missing keys, values of the wrong kind, invalid text. */
export function checkShape(document: unknown, problems: ProblemList, schema: z.ZodType = documentSchema): void {
  const parsed = schema.safeParse(document);
  for (const issue of parsed.error?.issues ?? []) {
    for (const finding of findingsOf(issue, { schema, document, problems, above: [] })) problems.add(finding);
  }
  checkText(document, [], problems);
}

interface IssueContext {
  readonly schema: z.ZodType;
  readonly document: unknown;
  readonly problems: ProblemList;
  readonly above: DocumentPath;
}

function findingsOf(issue: z.core.$ZodIssue, context: IssueContext): readonly Finding[] {
  const path: DocumentPath = [...context.above, ...(issue.path as (string | number)[])];
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(path, key, context.schema));
  if (issue.code === 'invalid_union') {
    const deepest = issue.errors.find((branch) => branch.some((inner) => inner.path.length > 0));
    if (deepest !== undefined) return deepest.flatMap((inner) => findingsOf(inner, { ...context, above: path }));
  }
  const value = valueAt(context.document, path);
  if (value === undefined) return [missingKey(path, issue.message)];
  if (issue.code === 'invalid_value') return [wrongChoice(path, { value, issue })];
  return [wrongKind(path, { value, issue, written: context.problems.source.writtenAt(path) })];
}

function unknownKey(path: DocumentPath, key: string, schema: z.ZodType): Finding {
  const hint =
    (schema === documentSchema ? elsewhere(path, key) : undefined) ?? suggest(key, knownKeysAt(path, schema));
  return { code: 'key-unknown', path: [...path, key], message: `unknown key "${key}"${hint}`, at: 'key' };
}

/** Keys that exist at another level. */
function elsewhere(path: DocumentPath, key: string): string | undefined {
  if (path[0] === 'dag' && path.length === 2 && Object.hasOwn(metaSettings, key)) {
    return '; it belongs in meta of the function';
  }
  if (path.at(-1) === 'globalConfig' || path.length > 2) return undefined;
  if (knownKeysAt(['globalConfig']).includes(key)) return '; it belongs in globalConfig';
  return knownKeysAt(['globalConfig', 'store']).includes(key) && path.length === 0
    ? '; it belongs in globalConfig.store'
    : undefined;
}

function missingKey(path: DocumentPath, expected: string): Finding {
  const message = `the key "${path.at(-1)}" is missing; it must be ${expected}`;
  return { code: 'shape', path: path.slice(0, -1), message };
}

function wrongChoice(path: DocumentPath, got: { value: unknown; issue: z.core.$ZodIssueInvalidValue }): Finding {
  const known = got.issue.values.map(String);
  const shown = showValue(path, got.value);
  if (typeof got.value !== 'string') {
    return { code: 'shape', path, message: `must be ${got.issue.message}, got ${shown}` };
  }
  const hint = suggest(got.value, known, 0);
  if (path[0] !== 'dag' || path.length !== 3 || path[2] !== 'type') {
    return { code: 'shape', path, message: `must be ${got.issue.message}, got ${shown}${hint}` };
  }
  return { code: 'type-unknown', path, message: `unknown type ${shown}${suggest(got.value, known)}` };
}

interface WrongValue {
  readonly value: unknown;
  readonly issue: z.core.$ZodIssue;
  readonly written: string | undefined;
}

function wrongKind(path: DocumentPath, { value, issue, written }: WrongValue): Finding {
  const expected = issue.code === 'invalid_type' ? issue.expected : '';
  const shown = showValue(path, value, written);
  return {
    code: 'shape',
    path,
    message: `must be ${issue.message}, got ${shown}${wayOut(path, { expected, value, written })}`,
  };
}

function wayOut(path: DocumentPath, got: { expected: string; value: unknown; written: string | undefined }): string {
  const { expected, value, written } = got;
  if (expected === 'string' && (typeof value === 'number' || typeof value === 'boolean')) {
    return isSecret(path) ? '; write it in quotes' : `; write it in quotes: "${written ?? String(value)}"`;
  }
  if (expected === 'array' && typeof value === 'string') return `; write it as a list: [${value.slice(0, 60)}]`;
  if (typeof value !== 'string') return '';
  const meant = value.toLowerCase();
  if (expected === 'boolean' && ['true', 'yes', 'on'].includes(meant)) return '; write true without quotes';
  if (expected === 'boolean' && ['false', 'no', 'off'].includes(meant)) return '; write false without quotes';
  if (['int', 'number'].includes(expected) && /^-?\d+(\.\d+)?$/.test(value)) return '; write it without quotes';
  return '';
}

function isSecret(path: DocumentPath): boolean {
  return showValue(path, 0) !== '0';
}

/** Text with a lone surrogate, as in `\ud800`, cannot be encoded in files and manifests. */
function checkText(value: unknown, path: DocumentPath, problems: ProblemList): void {
  if (typeof value === 'string' && /\p{Surrogate}/u.test(value)) {
    const message =
      'contains half a character (a lone surrogate, as in \\ud800); write the whole pair, or escape the backslash';
    problems.add({ code: 'setting-invalid', path, message });
  }
  for (const [step, inner] of childrenOf(value)) checkText(inner, [...path, step], problems);
}
