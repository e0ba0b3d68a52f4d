import { isUtf8 } from 'node:buffer';

/** Text of a header: UTF-8 where it is that, as clients send it, else Latin-1, as HTTP once had it. */
export function headerText(value: string | readonly string[] | undefined): string | undefined {
  const text = typeof value === 'object' ? value.join(', ') : value;
  if (text === undefined) return undefined;
  const bytes = Buffer.from(text, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : text;
}
