import { readFileSync } from 'node:fs';
import path from 'node:path';
import { readAvroType } from '../../../lib/topology/avro/avro-type-reader';
import { canonicalForm } from '../../../lib/topology/avro/canonical-form';
import { parseExactJson } from '../../../lib/topology/avro/exact-json';
import { typeConflicts } from '../../../lib/topology/avro/resolve-schema';
import { AvroCodec } from '../../../runtime/avro/avro-codec';
import { readJson } from '../../../runtime/avro/read-json';
import { exactValue } from '../../support/exact-values';

interface Case {
  readonly name: string;
  readonly schema: object | string;
  readonly in?: string;
  readonly says?: readonly string[];
  readonly value?: unknown;
  readonly read?: unknown;
  readonly bytes?: string;
  readonly json?: string;
  readonly native?: unknown;
  readonly typescript?: unknown;
  readonly written?: string;
  readonly canonical?: string;
  readonly fingerprint?: string;
  readonly writer?: object | string;
  readonly reader?: object | string;
  readonly at?: readonly string[];
}

function casesOf(file: string): readonly (readonly [string, Case])[] {
  const text = readFileSync(path.join(__dirname, '../../fixtures/avro', `${file}.json`), 'utf8');
  const cases = JSON.parse(text) as readonly Case[];
  return cases.filter(({ in: language = 'typescript' }) => language === 'typescript').map((each) => [each.name, each]);
}

function hexOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString('hex');
}

describe('compiles', () => {
  test.each(casesOf('schemas-valid'))('%s', (_, { schema, canonical, fingerprint }) => {
    const codec = new AvroCodec(schema);
    if (canonical !== undefined) expect(canonicalForm(codec.type)).toBe(canonical);
    if (fingerprint !== undefined) expect(codec.fingerprint).toBe(fingerprint);
  });
});

describe('refuses the schema', () => {
  test.each(casesOf('schemas-invalid'))('%s', (_, { schema, says = [] }) => {
    const faults = readAvroType(schema).faults.map(({ field, message }) => `${field}: ${message}`);
    expect(faults).not.toEqual([]);
    for (const text of says) expect(faults.join('\n')).toContain(text);
    expect(() => new AvroCodec(schema)).toThrow(expect.objectContaining({ code: 'schema-invalid' }));
  });
});

describe('encodes, decodes and renders', () => {
  test.each(casesOf('values'))('%s', (_, { schema, value: written, bytes, read = written, json }) => {
    const codec = new AvroCodec(schema);
    const value = exactValue(written);
    const encoded = codec.encode(value);
    if (encoded === undefined) throw new Error(codec.misfit(value));
    if (bytes !== undefined) expect(hexOf(encoded)).toBe(bytes);
    const decoded = codec.decode(encoded);
    expect(decoded).toEqual(exactValue(read));
    if (json !== undefined) {
      expect(codec.json(decoded)).toBe(json);
      const again = codec.encode(readJson(codec.type, parseExactJson(json)));
      expect(codec.decode(again ?? Buffer.of())).toEqual(decoded);
    }
    expect(codec.decode(codec.encode(decoded) ?? Buffer.of())).toEqual(decoded);
  });
});

describe('with logical types, reads and writes back', () => {
  const cases = casesOf('logical').filter(([, { says }]) => says === undefined);
  test.each(cases)('%s', (_, { schema, bytes = '', native, typescript = native, written = bytes }) => {
    const codec = new AvroCodec(schema, { logicalTypes: true });
    const value = codec.decode(Buffer.from(bytes, 'hex'));
    expect(value).toEqual(exactValue(typescript));
    const encoded = codec.encode(value);
    expect(encoded === undefined ? codec.misfit(value) : hexOf(encoded)).toBe(written);
    expect(codec.decode(encoded ?? Buffer.of())).toEqual(value);
  });
});

describe('with logical types, refuses the bytes', () => {
  const cases = casesOf('logical').filter(([, { says }]) => says !== undefined);
  test.each(cases)('%s', (_, { schema, bytes = '', says = [] }) => {
    const decode = () => new AvroCodec(schema, { logicalTypes: true }).decode(Buffer.from(bytes, 'hex'));
    expect(decode).toThrow(expect.objectContaining({ code: 'record-invalid' }));
    for (const text of says) expect(decode).toThrow(text);
  });
});

describe('refuses the value', () => {
  test.each(casesOf('refused'))('%s', (_, { schema, value: written, says = [] }) => {
    const codec = new AvroCodec(schema);
    const value = exactValue(written);
    expect(codec.encode(value)).toBeUndefined();
    const misfit = codec.misfit(value);
    for (const text of says) expect(misfit).toContain(text);
  });
});

describe('refuses the bytes', () => {
  test.each(casesOf('malformed'))('%s', (_, { schema, bytes = '' }) => {
    expect(() => new AvroCodec(schema).decode(Buffer.from(bytes, 'hex'))).toThrow(
      expect.objectContaining({ code: 'record-invalid' }),
    );
  });
});

describe('resolves', () => {
  test.each(casesOf('resolved'))('%s', (_, { writer = '', reader = '', bytes = '', read, json }) => {
    const codec = new AvroCodec(reader);
    const value = new AvroCodec(writer).decoderFor(codec)(Buffer.from(bytes, 'hex'));
    expect(value).toEqual(exactValue(read));
    if (json !== undefined) expect(codec.json(value)).toBe(json);
  });
});

describe('does not resolve', () => {
  test.each(casesOf('unresolved'))('%s', (_, { writer = '', reader = '', at = [] }) => {
    const conflicts = typeConflicts(readAvroType(writer).type, readAvroType(reader).type);
    expect(conflicts.map((conflict) => conflict.path)).toEqual(at);
    expect(() => new AvroCodec(writer).decoderFor(new AvroCodec(reader))).toThrow(
      expect.objectContaining({ code: 'schema-incompatible' }),
    );
  });
});
