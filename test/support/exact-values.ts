import { Decimal, Duration } from '../../lib/topology/avro/logical-values';

/** Converts the values of test/fixtures/avro, whose README describes the forms, to the values of TypeScript. */
export function exactValue(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(exactValue);
  if (typeof json !== 'object' || json === null) return json;
  const entries = Object.entries(json);
  const [form, content] = entries[0] ?? [];
  const build = form === undefined || !Object.hasOwn(forms, form) ? undefined : forms[form];
  if (build !== undefined) return build(content, json);
  return Object.fromEntries(entries.map(([key, value]) => [key, exactValue(value)]));
}

type Entries = readonly (readonly [unknown, unknown])[];

const forms: { readonly [form: string]: (content: unknown, whole: object) => unknown } = {
  $long: (digits) => BigInt(digits as string),
  $bytes: (hex) => Buffer.from(hex as string, 'hex'),
  $number: (text) => Number(text),
  $text: (hex) =>
    String.fromCharCode(...((hex as string).match(/.{4}/g) ?? []).map((unit) => Number.parseInt(unit, 16))),
  $map: (entries) => new Map((entries as Entries).map(([key, value]) => [exactValue(key), exactValue(value)])),
  $record: (entries) => {
    const record = Object.create(null);
    for (const [key, value] of entries as Entries) record[key as string] = exactValue(value);
    return record;
  },
  $instant: (text) => new Date(text as string),
  $day: (text) => new Date(text as string),
  $decimal: (text) => Decimal.of(text as string),
  $duration: (parts) => new Duration(...(parts as [number, number, number])),
  $nest: (levels, whole) => {
    const { key, of, end } = whole as { key: string; of: object; end: unknown };
    let value = exactValue(end);
    for (let level = 0; level < Number(levels); level++) value = { ...(exactValue(of) as object), [key]: value };
    return value;
  },
};

/** The reverse: a decoded value in the forms of the README, as JSON can hold it. Maps are `$map`, records plain objects. */
export function exactForm(value: unknown): unknown {
  if (typeof value === 'bigint') return { $long: String(value) };
  if (typeof value === 'number') {
    const isPlain = Number.isFinite(value) && !Object.is(value, -0);
    return isPlain ? value : { $number: Object.is(value, -0) ? '-0' : String(value) };
  }
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return value.map(exactForm);
  const entries = Object.entries(value).map(([key, inner]) => [key, exactForm(inner)] as const);
  if (Object.getPrototypeOf(value) === null) return { $map: entries };
  const isSafe = entries.every(([key]) => !key.startsWith('$') && key !== '__proto__');
  return isSafe ? Object.fromEntries(entries) : { $record: entries };
}
