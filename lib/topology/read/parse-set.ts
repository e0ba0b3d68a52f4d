import { parseDocument } from 'yaml';
import { ConfigError } from '../../errors';

/** One `--set` of the command line: a place in the document and what to put there. */
export interface DocumentSet {
  readonly path: string;
  readonly value: unknown;
}

/**
 * `a.b=c` as a path and a value; the value is read as YAML, so `4`, `true`, `[a, b]` and `{a: 1}` are what they look
 * like. Throws `ConfigError` on text without `=`, or with a value that is no YAML.
 */
export function parseSet(text: string): DocumentSet {
  const equals = text.indexOf('=');
  const path = text.slice(0, Math.max(0, equals)).trim();
  if (path === '') {
    throw new ConfigError(
      'config-invalid',
      `--set ${equals < 0 ? text : '=…'}: write it as path=value, as in dag.map.parallelism=4`,
    );
  }
  const value = parseDocument(text.slice(equals + 1), { prettyErrors: false, logLevel: 'silent' });
  const [fault] = value.errors;
  if (fault !== undefined) {
    const message = `--set ${path}: the value is not YAML (${fault.message}); quote it`;
    throw new ConfigError('config-invalid', message, { cause: fault });
  }
  return { path, value: value.toJS({ maxAliasCount: 100 }) };
}
