import { isDeepStrictEqual } from 'node:util';
import { renderExactJson } from '../../lib/topology/avro/exact-json';
import { AvroCodec } from '../../runtime/avro/avro-codec';
import { exactForm, exactValue } from '../support/exact-values';
import { Random } from '../support/random';
import { RandomReader } from './random-reader';
import { RandomSchema } from './random-schema';
import { type Form, RandomValue } from './random-value';

/** What a codec says: the bytes in hex, the value in the forms of the fixtures, or why it refuses. */
type Answer = { readonly bytes: string } | { readonly value: Form } | { readonly error: string };

/** What the other codecs are asked about one pair of schemas; one line of JSON. */
export interface Question {
  readonly schema: string;
  readonly reader?: string;
  /** Whether TypeScript compiles the schema. */
  readonly isValid: boolean;
  readonly fingerprint?: string;
  readonly cases: readonly Case[];
}

/** A value, and what TypeScript says; or bytes that no codec wrote. */
interface Case {
  readonly value?: Form;
  /** The value fits the schema: it was made for it. */
  readonly fits: boolean;
  readonly encoded?: Answer;
  /** What `bytes` decode to: those that were encoded, or broken ones. */
  readonly bytes?: string;
  readonly decoded?: Answer;
  /** The same bytes as the reader's record. */
  readonly resolved?: Answer;
  /** With logical types, the value is not written back as it was read: what became of it. */
  readonly changed?: string;
}

const valuesPerPair = 2;

/** The schemas and values of one pair, by its seed, and the answers of the TypeScript codec. */
export function askTypeScript(seed: number): Question {
  const random = new Random(seed);
  const json = new RandomSchema(random).make();
  const schema = textOf(json);
  let codec: AvroCodec;
  try {
    codec = new AvroCodec(schema);
  } catch {
    return { schema, isValid: false, cases: [] };
  }
  const readerText = textOf(new RandomReader(random).of(json));
  const reader = readerOf(codec, readerText);
  const values = new RandomValue(random);
  const cases: Case[] = [];
  for (let index = 0; index < valuesPerPair; index++) {
    const value = values.of(codec.type);
    const encoded = encode(codec, value);
    const bytes = 'bytes' in encoded ? encoded.bytes : undefined;
    cases.push({ value, fits: true, encoded, bytes, ...decodedBy(codec, bytes, reader) });
    const other = values.misfit(value);
    cases.push({ value: other, fits: false, encoded: encode(codec, other) });
    if (bytes === undefined) continue;
    const broken = brokenBytes(bytes, random);
    cases.push({ fits: false, bytes: broken, ...decodedBy(codec, broken, undefined) });
  }
  const resolves = reader === undefined ? {} : { reader: readerText };
  return { schema, ...resolves, isValid: true, fingerprint: codec.fingerprint, cases };
}

function textOf(json: unknown): string {
  return typeof json === 'string' ? json : renderExactJson(json);
}

function readerOf(writer: AvroCodec, schema: string): ((bytes: Uint8Array) => unknown) | undefined {
  try {
    return writer.decoderFor(new AvroCodec(schema));
  } catch {
    return undefined;
  }
}

function encode(codec: AvroCodec, form: Form): Answer {
  return answer(() => {
    const value = exactValue(form);
    const encoded = codec.encode(value);
    return encoded === undefined
      ? { error: codec.misfit(value) ?? 'refused without a reason' }
      : { bytes: Buffer.from(encoded).toString('hex') };
  });
}

function decodedBy(
  codec: AvroCodec,
  bytes: string | undefined,
  reader: ((bytes: Uint8Array) => unknown) | undefined,
): Partial<Case> {
  if (bytes === undefined) return {};
  const decoded = answer(() => ({ value: exactForm(codec.decode(Buffer.from(bytes, 'hex'))) }));
  const changed = changeOf(codec, Buffer.from(bytes, 'hex'));
  if (reader === undefined) return { decoded, changed };
  return { decoded, changed, resolved: answer(() => ({ value: exactForm(reader(Buffer.from(bytes, 'hex'))) })) };
}

/** How a value that is read with logical types differs from the same value after it was written; undefined if it does not. */
function changeOf(base: AvroCodec, bytes: Uint8Array): string | undefined {
  const codec = new AvroCodec(base.schema, { logicalTypes: true });
  let read: unknown;
  try {
    read = codec.decode(bytes);
  } catch {
    return undefined; // broken, or beyond what a class holds
  }
  const written = codec.encode(read);
  if (written === undefined) return codec.misfit(read);
  if (isDeepStrictEqual(codec.decode(written), read)) return undefined;
  // an empty map in a union with an empty record is that record, with logical types or without
  const isSame = Buffer.compare(base.encode(base.decode(bytes)) ?? Buffer.of(), bytes) === 0;
  return isSame ? Buffer.from(written).toString('hex') : undefined;
}

function answer(ask: () => Answer): Answer {
  try {
    return ask();
  } catch (error) {
    return { error: `${(error as Error).name}: ${(error as Error).message}` };
  }
}

/** Bytes with one of them changed, left out, or put in. */
function brokenBytes(hex: string, random: Random): string {
  const bytes = [...Buffer.from(hex, 'hex')];
  const at = random.upTo(bytes.length + 1) - 1;
  const other = random.oneOf([0, 1, 2, 127, 128, 255, random.upTo(256) - 1]);
  const [removed, added] = random.oneOf<[number, number[]]>([
    [1, []],
    [0, [other]],
    [1, [other]],
    [bytes.length, []],
  ]);
  bytes.splice(at, removed, ...added);
  return Buffer.from(bytes).toString('hex');
}
