import { isPlainMap } from '../../plain-map';

/** What templates may refer to. */
export interface TemplateValues {
  readonly input: unknown;
  readonly parameters: unknown;
}

const reference = /\{(input|parameters)((?:\[[^\][{}]*\])*)\}/g;

/**
 * Fills in `{input[key]}`, `{input["key"]}`, `{input[0][key]}`, `{input}` and the same of `parameters`. Texts are filled in
 * as they are, other values as JSON. Throws TemplateError for a value that does not exist.
 */
export function fillTemplate(text: string, values: TemplateValues): string {
  return text.replace(reference, (whole, start: 'input' | 'parameters', subscripts: string) => {
    const keys = [...subscripts.matchAll(/\[([^\]]*)\]/g)].map(([, key = '']) => unquoted(key.trim()));
    let value: unknown = values[start];
    for (const [at, key] of keys.entries()) {
      const next = Array.isArray(value) && /^\d+$/.test(key) ? value[Number(key)] : ownValue(value, key);
      if (next === undefined) throw new TemplateError(missing(whole, start, keys.slice(0, at + 1)));
      value = next;
    }
    if (value === undefined) throw new TemplateError(`${whole}: there are no ${start}`);
    return typeof value === 'string' ? value : JSON.stringify(value);
  });
}

/** Whether a text has anything to fill in from the input. */
export function hasReference(text: string): boolean {
  return text.includes('{input');
}

export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

function missing(whole: string, start: string, keys: readonly string[]): string {
  const parent = [start, ...keys.slice(0, -1)].join('.');
  return `${whole}: ${parent} has no "${keys.at(-1)}"`;
}

function ownValue(value: unknown, key: string): unknown {
  return isPlainMap(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function unquoted(key: string): string {
  return /^(["']).*\1$/.test(key) ? key.slice(1, -1) : key;
}
