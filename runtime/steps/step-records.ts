import { FunctionError } from '../../lib/errors';
import type { WrittenSchema } from '../../lib/topology/avro/avro-type';
import { parseExactJson, renderExactJson } from '../../lib/topology/avro/exact-json';
import { AvroSchemaCodec } from '../engine/avro-message';
import { encodeJson } from '../engine/encode-json';

/** One record of an object: its JSON, and its message. */
export interface StepRecord {
  readonly json: unknown;
  readonly payload: Uint8Array;
}

/** An object as a source would list it. */
export interface ListedFile {
  readonly bucket: string;
  readonly key: string;
  readonly lastModifiedMs: number;
}

interface Props {
  /** The schemas that a record may have. */
  readonly schemas: readonly (WrittenSchema | object)[];
  /** An object without records stands for itself, as in the list of a source. */
  readonly takesFiles?: boolean;
}

/**
 * Reads the records of objects that are put into the folder of a function: JSON of a record, a list of records, or a record on
 * each line, by the rules of docs/avro.md. A record gets the first schema of the function's inputs that it fits.
 */
export class StepRecords {
  private readonly codecs: readonly AvroSchemaCodec[];
  private readonly takesFiles: boolean;

  constructor({ schemas, takesFiles = false }: Props) {
    this.codecs = schemas.map((schema) => new AvroSchemaCodec(schema));
    this.takesFiles = takesFiles;
  }

  /** Throws FunctionError 'record-invalid' which names the first value that does not fit. */
  ofObject(content: Uint8Array, file: ListedFile): readonly StepRecord[] {
    const values = readValues(Buffer.from(content).toString('utf8'));
    if (this.takesFiles && !values?.some((value) => this.hasField(value))) return [this.ofFile(file)];
    if (values === undefined) {
      throw invalid('the object is neither JSON of a record, nor of a list of records, nor a record on each line');
    }
    return values.map((value, index) => this.record(value, values.length > 1 ? `[${index}]: ` : ''));
  }

  /** The record that a source which lists objects emits for this one. Throws FunctionError 'record-invalid'. */
  ofFile({ bucket, key, lastModifiedMs: lastModifiedUnixMilli }: ListedFile): StepRecord {
    const listed = { url: `s3a://${bucket}/${key}`, lastModifiedUnixMilli, bucket, key };
    const codec = this.codecs.find((each) => ['bucket', 'key'].every((name) => fieldsOf(each).includes(name)));
    if (codec === undefined) {
      throw invalid(`no input of the function has records with a bucket and a key; put JSON of ${this.described()}`);
    }
    const own = fieldsOf(codec);
    return this.record(Object.fromEntries(Object.entries(listed).filter(([name]) => own.includes(name))), '');
  }

  /** The records of JSON values. Throws FunctionError 'record-invalid'. */
  ofValues(values: readonly unknown[]): readonly StepRecord[] {
    return values.map((value, index) => this.record(value, values.length > 1 ? `[${index}]: ` : ''));
  }

  private record(json: unknown, place: string): StepRecord {
    const encoded = encodeJson(this.codecs, json);
    if ('payload' in encoded) return { json, payload: encoded.payload };
    const others = this.codecs.length > 1 ? `, nor that of another input (${this.codecs.length} schemas)` : '';
    throw invalid(`${place}the record does not fit the schema of the input${others}: ${encoded.misfit}`);
  }

  /** Whether a value has a field of a record: a record with a mistake is no file. */
  private hasField(value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return false;
    return this.codecs.some((codec) => fieldsOf(codec).some((name) => Object.hasOwn(value, name)));
  }

  private described(): string {
    return `a record with the fields ${this.codecs.map((codec) => fieldsOf(codec).join(', ')).join(' or ')}`;
  }
}

/** Records as the content of an object. */
export function renderRecords(values: readonly unknown[]): Uint8Array {
  return Buffer.from(`${renderExactJson(values.length === 1 ? values[0] : values)}\n`);
}

/** The JSON values of a text: those of its list, of its lines, or itself; undefined if it is no JSON of objects. */
export function readValues(text: string): readonly unknown[] | undefined {
  const whole = parsed(text);
  if (Array.isArray(whole)) return whole;
  if (whole !== undefined) return [whole];
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const values = lines.map(parsed);
  return values.length > 0 && values.every((value) => value !== undefined) ? values : undefined;
}

/** The JSON object, or list, in a text; undefined if it is something else. */
function parsed(text: string): object | undefined {
  try {
    const value = parseExactJson(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined; // the caller says what is missing
  }
}

function fieldsOf({ type }: AvroSchemaCodec): readonly string[] {
  return type.kind === 'record' ? type.fields.map(({ name }) => name) : [];
}

function invalid(message: string): FunctionError {
  return new FunctionError('record-invalid', message);
}
