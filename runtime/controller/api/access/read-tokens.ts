import { createHash } from 'node:crypto';
import { isMap, isScalar, isSeq, LineCounter, type Node } from 'yaml';
import { z } from 'zod';
import { ConfigError } from '../../../../lib/errors';
import { documentOf } from '../../../../lib/topology/read/documents-of-text';
import { type Caller, roles } from './caller';

export interface KnownToken {
  readonly caller: Caller;
  /** SHA-256 of the token. */
  readonly digest: Buffer;
}

const entrySchema = z
  .strictObject({
    name: z.string('must be a string; quote it if it is a number').min(1, 'must not be empty').max(64),
    role: z.enum(roles, `must be one of ${roles.join(', ')}`),
    token: z
      .string('must be a string; quote it if it is a number')
      .min(16, 'must have at least 16 characters')
      .optional(),
    sha256: z
      .string('must be a string')
      .regex(/^[0-9a-f]{64}$/i, 'must be the 64 hex digits that `printf %s TOKEN | sha256sum` prints')
      .optional(),
    namespaces: z
      .array(z.string(), 'must be a list of namespaces')
      .min(1, 'must not be empty; remove it to allow all namespaces')
      .optional(),
  })
  .refine(({ token, sha256 }) => (token === undefined) !== (sha256 === undefined), 'must have either token or sha256');

/** Parses a token file. Throws ConfigError with every problem as `file:line  what`; messages never contain a token. */
export function readTokens(text: string, file: string): readonly KnownToken[] {
  const lines = new LineCounter();
  const document = documentOf(text, { lineCounter: lines, prettyErrors: false });
  const problems = document.errors.map(
    ({ pos, code }) => `${file}:${lines.linePos(pos[0]).line}  invalid YAML: ${code}`,
  );
  const root = document.contents;
  if (problems.length === 0 && !isSeq(root)) problems.push(`${file}:1  must be a list of {name, role, token}`);
  const known: KnownToken[] = [];
  const report = (at: Node | undefined, message: string): void => {
    problems.push(`${file}:${lines.linePos(at?.range?.[0] ?? 0).line}  ${message}`);
  };
  for (const item of problems.length === 0 && isSeq<Node>(root) ? root.items : []) {
    const read = entrySchema.safeParse(item.toJS(document));
    if (read.success) known.push(checkUnique(toKnown(read.data), known, (message) => report(item, message)));
    else for (const issue of read.error.issues) report(nodeAt(item, issue.path), messageOf(issue));
  }
  if (problems.length > 0) throw new ConfigError('config-invalid', problems.join('\n'));
  return known;
}

type Entry = z.infer<typeof entrySchema>;

function toKnown({ name, role, token, sha256 = '', namespaces }: Entry): KnownToken {
  const digest = token === undefined ? Buffer.from(sha256, 'hex') : digestOf(token);
  return { caller: { name, role, ...(namespaces === undefined ? {} : { namespaces }) }, digest };
}

/** SHA-256 of a token; only digests are kept in memory and compared. */
export function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function checkUnique(next: KnownToken, known: readonly KnownToken[], report: (message: string) => void): KnownToken {
  const { name } = next.caller;
  if (known.some(({ caller }) => caller.name === name))
    report(`the name "${name}" is already used; give each token its own name`);
  const twin = known.find(({ digest }) => digest.equals(next.digest));
  if (twin !== undefined) report(`"${name}" has the same token as "${twin.caller.name}"; give each name its own token`);
  return next;
}

function messageOf({ code, path, message, ...issue }: z.core.$ZodIssue): string {
  const field = path.join('.');
  const keys = code === 'unrecognized_keys' && 'keys' in issue ? issue.keys : undefined;
  const what =
    keys === undefined ? message : `unknown key ${keys.join(', ')}; the keys are name, role, token, sha256, namespaces`;
  return field === '' ? what : `${field} ${what}`;
}

/** The deepest existing node on a path. */
function nodeAt(node: Node, [key, ...rest]: readonly PropertyKey[]): Node {
  if (key === undefined || !(isMap(node) || isSeq(node))) return node;
  const next = node.get(key, true);
  return isScalar(next) || isMap(next) || isSeq(next) ? nodeAt(next, rest) : node;
}
