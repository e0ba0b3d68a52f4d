import { createInterface } from 'node:readline';
import { AvroCodec } from '../../runtime/avro/avro-codec';
import { exactForm, exactValue } from './exact-values';

/** A question: encode a value, or decode bytes, by a writer's schema or as a reader's. Values are in the forms of fixtures/avro. */
interface Question {
  readonly schema: object | string;
  readonly readerSchema?: object | string;
  readonly value?: unknown;
  /** In hex. */
  readonly bytes?: string;
}

/** Reads a question as a line of JSON and answers `{"bytes"}`, `{"value", "json"}` or `{"error"}` on a line. */
export function answer(line: string): string {
  try {
    const { schema, readerSchema, value, bytes } = JSON.parse(line) as Question;
    const codec = codecOf(schema);
    if (bytes === undefined) {
      const encoded = codec.encode(exactValue(value));
      return JSON.stringify(
        encoded === undefined
          ? { error: codec.misfit(exactValue(value)) }
          : { bytes: Buffer.from(encoded).toString('hex'), fingerprint: codec.fingerprint },
      );
    }
    const reader = readerSchema === undefined ? codec : codecOf(readerSchema);
    const decode = reader === codec ? (all: Uint8Array) => codec.decode(all) : codec.decoderFor(reader);
    const decoded = decode(Buffer.from(bytes, 'hex'));
    return JSON.stringify({ value: exactForm(decoded), json: reader.json(decoded) });
  } catch (error) {
    return JSON.stringify({ error: (error as Error).message });
  }
}

const codecs = new Map<string, AvroCodec>();

function codecOf(schema: object | string): AvroCodec {
  const key = JSON.stringify(schema);
  const codec = codecs.get(key) ?? new AvroCodec(schema);
  if (codecs.size > 1_000) codecs.clear();
  codecs.set(key, codec);
  return codec;
}

if (require.main === module) {
  createInterface({ input: process.stdin }).on('line', (line) => process.stdout.write(`${answer(line)}\n`));
}
