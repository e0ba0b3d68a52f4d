import { FunctionError } from '../../../lib/errors';
import type { OutputSpec } from '../../../lib/plan/function-spec';
import { partitionSubject } from '../../../lib/plan/partitions';
import type { AvroSchemaCodec } from '../avro-message';
import type { SchemaSource } from '../ports/host';
import type { Outgoing } from '../ports/publisher';
import { RecordCodecs } from '../record-codecs';
import { keyHeader, keyHeaders, keyOfValue, partitionOf } from './record-key';

/** An output before it has a partition: with the key of the record that it was made of, if that has one, in its headers. */
type Output = Pick<Outgoing, 'id' | 'payload' | 'headers'>;

/** Finds the keys and partitions of the outputs of a function. */
export class OutputKeys {
  private readonly codecs: RecordCodecs;

  constructor(schemas: SchemaSource) {
    this.codecs = new RecordCodecs(schemas);
  }

  /**
   * The message of an output; a promise if the schema of its record has to be read first. Throws, or rejects with, FunctionError
   * if the record does not have the field that is its key.
   */
  messageOf(to: OutputSpec, output: Output): Outgoing | Promise<Outgoing> {
    const { partitions, subject } = to;
    if (partitions === undefined) return { subject, ...output };
    const { by, count } = partitions;
    if (by === undefined) return keyed(subject, count, output);
    const codec = this.codecs.known(output.payload);
    const withKey = (known: AvroSchemaCodec) =>
      keyed(subject, count, withOwnKey(output, keyIn(known, output.payload, by)));
    return codec === undefined ? this.codecs.of(output.payload).then(withKey) : withKey(codec);
  }
}

function keyed(subject: string, count: number, output: Output): Outgoing {
  const partition = partitionOf(output.headers?.[keyHeader] ?? output.id, count);
  return { subject: partitionSubject(subject, partition), ...output };
}

function withOwnKey(output: Output, key: string): Output {
  return { ...output, headers: { ...output.headers, ...keyHeaders({ key }) } };
}

function keyIn(codec: AvroSchemaCodec, payload: Uint8Array, field: string): string {
  const record = codec.decode(payload);
  if (record !== null && typeof record === 'object' && Object.hasOwn(record, field)) {
    return keyOfValue((record as { readonly [name: string]: unknown })[field]);
  }
  throw new FunctionError('record-invalid', `the record has no field "${field}", which partitionBy makes its key`);
}
