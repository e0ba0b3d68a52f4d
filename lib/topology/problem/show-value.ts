import type { DocumentPath } from './document-path';
import { withoutSecrets } from './secret-text';

/** A value as a message shows it: short, text in quotes, and never a password or a value of the environment. */
export function showValue(path: DocumentPath, value: unknown, written?: string): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return Object.keys(value).length === 0 ? 'an empty map' : 'a map';
  const isSecret = path.at(-1) === 'password' || (path.includes('env') && path.at(-1) !== 'name');
  if (isSecret) return typeof value === 'number' ? 'a number' : typeof value === 'boolean' ? 'a truth value' : 'text';
  if (typeof value === 'string') return quote(value);
  return written ?? String(value);
}

/** Text in quotes on one line, cut where it gets long. */
export function quote(text: string): string {
  const line = withoutSecrets(text).replace(/\s+/g, ' ');
  return line.length > 60 ? `"${line.slice(0, 57)}..."` : `"${line}"`;
}
