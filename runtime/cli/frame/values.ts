import { readFileSync } from 'node:fs';
import { parseDuration } from '../../../lib/duration';
import { ConfigError } from '../../../lib/errors';
import { natsDomainOf, natsServers } from '../../../lib/plan/nats-access';
import { hasBigInt, parseExactJson } from '../../../lib/topology/avro/exact-json';
import { isDnsLabel, isDnsSubdomain, maxLabelLength } from '../../../lib/topology/document/dns-label';
import { imageFault } from '../../../lib/topology/document/image';
import type { ArgumentSpec, OptionSpec } from './command';

/** A value that an argument or option does not accept: `want a port from 1 to 65535`. The frame adds flag and value. */
export class BadValue extends Error {
  constructor(
    message: string,
    /** What to do instead; follows the value in the message. */
    readonly advice?: string,
    /** The value; left out, all that was given. */
    readonly value?: string,
  ) {
    super(message);
  }
}

/** The message of a bad value: where, want, got, do. Credentials in addresses are hidden. */
export function badValueMessage(label: string, { message, advice }: BadValue, value: string): string {
  const got = value.replace(/(^|\/\/|\s)(?:(?!\/\/)\S)+@/g, '$1***@');
  return `${label}: ${message}, got "${got}"${advice === undefined ? '' : `; ${advice}`}`;
}

/** Text to value; throws BadValue, or ConfigError for a value that a message must not show. */
export type Parse<Value> = (text: string) => Value;

/** A text that is not empty. An empty one is mostly a variable of the shell that is not set. */
export const text: Parse<string> = (value) => {
  if (value.trim() !== '') return value;
  throw new BadValue('want a value', 'a variable of the shell may not be set');
};

/** A whole number that is `least` or more. */
export function wholeNumber(least: number): Parse<number> {
  return (value) => {
    if (/^\d+$/.test(value) && Number(value) >= least) return Number(value);
    throw new BadValue(`want a whole number, ${least} or more`);
  };
}

export const revisionNumber = wholeNumber(1);

export const port: Parse<number> = (value) => {
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= 1 && number <= 65_535) return number;
  throw new BadValue('want a port from 1 to 65535');
};

/** The longest time that a timer of Node runs is 24.8 days; a longer one would end at once. */
const longestMs = 24 * 86_400_000;

/** Milliseconds of a duration, at most 24 days unless there is another limit. Rejects zero unless `isZeroFine`. */
export function durationMs({ isZeroFine = false, mostMs = longestMs } = {}): Parse<number> {
  return (value) => {
    const ms = parseDuration(value);
    if (ms !== undefined && ms > mostMs) throw new BadValue(`want at most ${mostMs / 86_400_000}d`);
    if (ms !== undefined && (ms > 0 || isZeroFine)) return ms;
    throw new BadValue(`want ${isZeroFine ? '0 or ' : ''}a duration in seconds, or with a unit, as in 90s or 5m`);
  };
}

/** Seconds that Kubernetes keeps an ended Job; it counts them in 31 bits. */
export const jobTtl: Parse<number> = (value) => {
  const seconds = Math.round(durationMs({ mostMs: Number.POSITIVE_INFINITY })(value) / 1_000);
  if (seconds < 2 ** 31) return seconds;
  throw new BadValue('want at most 2147483647 seconds, which are 68 years');
};

export const positiveNumber: Parse<number> = (value) => {
  if (/^\d+(\.\d+)?$/.test(value) && Number(value) > 0) return Number(value);
  throw new BadValue('want a number above 0');
};

export const percent: Parse<number> = (value) => {
  if (/^\d+(\.\d+)?%?$/.test(value) && Number.parseFloat(value) <= 100) return Number.parseFloat(value);
  throw new BadValue('want a number from 0 to 100');
};

/** An ISO time of a time, or of so long ago. */
export const instant: Parse<string> = (value) => {
  if (/^\d{4}-\d{2}-\d{2}/.test(value) && !Number.isNaN(Date.parse(value))) return new Date(value).toISOString();
  const ago = /[smhd]$/.test(value) ? parseDuration(value) : undefined;
  if (ago !== undefined) return new Date(Date.now() - ago).toISOString();
  throw new BadValue('want a time, as in 2026-01-31T08:00:00Z, or how long ago, as in 2h');
};

/** The value of JSON, or of a file with JSON: `@FILE`; `@-` reads stdin. */
export const jsonValue: Parse<unknown> = (value) => {
  const text = value.startsWith('@') ? textOfFile(value.slice(1)) : value;
  let found: unknown;
  try {
    found = parseExactJson(text);
  } catch (error) {
    throw new BadValue(`want JSON, or @FILE with JSON (${(error as Error).message})`);
  }
  if (hasBigInt(found)) throw new BadValue('want no integer beyond 2^53, which would be rounded', 'write it as text');
  return found;
};

function textOfFile(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new BadValue(`cannot read the file (${(error as Error).message})`);
  }
}

/** `NAME=VALUE`, both not empty. `example` completes the message. */
export function keyValue(example: string): Parse<readonly [string, string]> {
  return (value) => {
    const at = value.indexOf('=');
    if (at >= 1 && at < value.length - 1) return [value.slice(0, at), value.slice(at + 1)];
    throw new BadValue(`want ${example}`);
  };
}

/** A function and its number of replicas: `map=3`. */
export const functionReplicas: Parse<readonly [string, number]> = (value) => {
  const [, name, count] = /^([^=]+)=(\d+)$/.exec(value) ?? [];
  if (name !== undefined && Number(count) >= 1) return [name, Number(count)];
  const advice = /=0$/.test(value) ? 'to stop a function, use kflow pause --function' : undefined;
  throw new BadValue('want FUNCTION=N, as in map=3', advice);
};

/** The start of a replay: `first`, a sequence of the input stream, or a time. */
export const replayStart: Parse<'first' | { readonly sequence: number } | { readonly time: string }> = (value) => {
  if (value === 'first') return value;
  if (/^\d+$/.test(value) && Number(value) >= 1) return { sequence: Number(value) };
  const isTime = /^\d{4}-\d{2}-\d{2}/.test(value) && !Number.isNaN(Date.parse(value));
  if (isTime) return { time: new Date(value).toISOString() };
  throw new BadValue('want first, a sequence (1 or more), or a time, as in 2026-01-31T08:00:00Z');
};

/** The address of a controller, without a trailing slash. A user or password would be shown wherever the address is. */
export const httpUrl: Parse<string> = (value) => {
  const { protocol, username, password } = URL.canParse(value) ? new URL(value) : new URL('none:');
  if (username !== '' || password !== '') {
    throw new BadValue('want http://host:port without a user and password', 'a token is --token or KFLOW_TOKEN');
  }
  if (protocol === 'http:' || protocol === 'https:') return value.replace(/\/+$/, '');
  throw new BadValue('want http://host:port');
};

/** Name of a Kubernetes object. */
export const objectName: Parse<string> = (value) => {
  if (isDnsSubdomain(value)) return value;
  throw new BadValue('want the name of an object: lower-case letters, digits, dashes and dots');
};

/** Name of a Kubernetes namespace. */
export const namespaceName: Parse<string> = (value) => {
  if (isDnsLabel(value)) return value;
  throw new BadValue(`want the name of a namespace: at most ${maxLabelLength} lower-case letters, digits and dashes`);
};

/** A JetStream domain. */
export const natsDomain: Parse<string> = (value) => natsDomainOf(value, 'domain');

/** An image, without a password. */
export const imageName: Parse<string> = (value) => {
  const fault = imageFault(value);
  if (fault === undefined) return value;
  throw new ConfigError('config-invalid', fault);
};

/** Addresses of NATS servers, separated by commas. */
export const natsUrls: Parse<string> = (value) => {
  natsServers(value);
  return value;
};

/** A value of a claim and its role: `flow-admins=admin`. */
export const roleMapping: Parse<readonly [string, 'view' | 'operate' | 'admin']> = (value) => {
  const [, claimed, role] = /^(.+)=(view|operate|admin)$/.exec(value) ?? [];
  if (claimed !== undefined) return [claimed, role as 'view' | 'operate' | 'admin'];
  throw new BadValue('want VALUE=view, VALUE=operate or VALUE=admin');
};

/** Names separated by commas. */
export const names: Parse<readonly string[]> = (value) => {
  const found = value.split(',').map((name) => name.trim());
  if (!found.includes('')) return [...new Set(found)];
  throw new BadValue('want names separated by commas');
};

/** Names the value that is bad, among several. */
function parseOne<Value>(parse: Parse<Value>, value: string): Value {
  try {
    return parse(value);
  } catch (error) {
    throw error instanceof BadValue ? new BadValue(error.message, error.advice, value) : error;
  }
}

type Extras = Partial<Pick<OptionSpec<unknown>, 'short' | 'heading' | 'completes' | 'arity'>>;

/** A flag: true when it is given. */
export function flag(description: string, extras: Extras = {}): OptionSpec<boolean> {
  return { description, ...extras, read: (texts) => texts.length > 0 };
}

/** `--no-<key>`: true unless it is given. */
export function negatedFlag(description: string): OptionSpec<boolean> {
  return { description, isNegated: true, read: (texts) => texts.length === 0 };
}

/** An option with a value; the last occurrence wins. */
export function option<Value>(
  placeholder: string,
  description: string,
  { parse, ...extras }: Extras & { readonly parse: Parse<Value> },
): OptionSpec<Value | undefined> {
  const read = (texts: readonly string[]) => {
    const last = texts.at(-1);
    return last === undefined ? undefined : parseOne(parse, last);
  };
  return { placeholder, description, ...extras, read };
}

/** An option that may be repeated and collects its values. */
export function listOption<Value>(
  placeholder: string,
  description: string,
  { parse, ...extras }: Extras & { readonly parse: Parse<Value> },
): OptionSpec<readonly Value[]> {
  return { placeholder, description, ...extras, read: (texts) => texts.map((each) => parseOne(parse, each)) };
}

/** One of a closed list of words. */
export function choiceOption<const Choice extends string>(
  choices: readonly Choice[],
  description: string,
  { placeholder, ...extras }: Extras & { readonly placeholder: string },
): OptionSpec<Choice | undefined> {
  return { ...option(placeholder, description, { ...extras, parse: oneOf(choices) }), choices };
}

/** The option with a default. */
export function withDefault<Value>(spec: OptionSpec<Value | undefined>, fallback: Value): OptionSpec<Value> {
  return { ...spec, fallback: String(fallback), read: (texts) => spec.read(texts) ?? fallback };
}

/** The option made mandatory. */
export function required<Value>(spec: OptionSpec<Value | undefined>): OptionSpec<Value> {
  return {
    ...spec,
    read: (texts) => {
      const value = spec.read(texts);
      if (value === undefined) throw new BadValue('is required');
      return value;
    },
  };
}

type ArgumentExtras = Pick<ArgumentSpec<unknown>, 'name' | 'description' | 'completes'>;

export function argument(extras: ArgumentExtras): ArgumentSpec<string> {
  return { ...extras, arity: 'one', read: ([value = '']) => value };
}

export function optionalArgument(extras: ArgumentExtras): ArgumentSpec<string | undefined> {
  return { ...extras, arity: 'optional', read: ([value]) => value };
}

export function choiceArgument<const Choice extends string>(
  choices: readonly Choice[],
  extras: ArgumentExtras,
): ArgumentSpec<Choice> {
  return { ...extras, choices, arity: 'one', read: ([value = '']) => oneOf(choices)(value) };
}

/** A choice that may be left out. */
export function optionalChoice<const Choice extends string>(
  choices: readonly Choice[],
  extras: ArgumentExtras,
): ArgumentSpec<Choice | undefined> {
  const read = ([value]: readonly string[]) => (value === undefined ? undefined : oneOf(choices)(value));
  return { ...extras, choices, arity: 'optional', read };
}

/** The last argument, given one or more times. */
export function argumentList<Value>({
  parse,
  ...extras
}: ArgumentExtras & { readonly parse: Parse<Value> }): ArgumentSpec<readonly Value[]> {
  return { ...extras, arity: 'many', read: (texts) => texts.map((each) => parseOne(parse, each)) };
}

function oneOf<Choice extends string>(choices: readonly Choice[]): Parse<Choice> {
  return (value) => {
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    throw new BadValue(`want ${choices.length === 2 ? choices.join(' or ') : `one of ${choices.join(', ')}`}`);
  };
}
