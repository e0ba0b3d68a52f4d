import path from 'node:path';
import ts from 'typescript';
import type { AvroType } from '../../../lib/topology/avro/avro-type';
import { readAvroType } from '../../../lib/topology/avro/avro-type-reader';
import { typeConflicts } from '../../../lib/topology/avro/resolve-schema';
import { AvroCodec } from '../../../runtime/avro/avro-codec';
import { types } from './avro-table';

type Table = ReadonlyMap<string, boolean>;
type TypeName = keyof typeof types;

const root = path.join(__dirname, '../../..');
const names = Object.keys(types) as TypeName[];

/** The verdict of the compiler on each pair, from the types `Fits` and `FitsCode` of avro-table.ts. */
function compiledTables(): { readonly [name: string]: Table } {
  const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const file = path.join(__dirname, 'avro-table.ts');
  const program = ts.createProgram([file], { ...options, noEmit: true });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${file} cannot be read`);
  return Object.fromEntries(
    checker
      .getExportsOfModule(module)
      .filter(({ name }) => name.startsWith('Fits'))
      .map((alias) => [alias.name, tableOf(checker.getDeclaredTypeOfSymbol(alias), checker)]),
  );
}

function tableOf(type: ts.Type, checker: ts.TypeChecker): Table {
  const pairs = type.getProperties().flatMap((writer) =>
    checker
      .getTypeOfSymbol(writer)
      .getProperties()
      .map((reader): [string, boolean] => [
        `${writer.name} -> ${reader.name}`,
        checker.typeToString(checker.getTypeOfSymbol(reader)) === 'true',
      ]),
  );
  return new Map(pairs);
}

const { Fits: fits = new Map(), FitsCode: fitsCode = new Map() } = compiledTables();

test('the compiler accepts an edge if and only if the schemas resolve', () => {
  const read = names.map((name) => ({ name, ...readAvroType(types[name].schema) }));
  expect(read.flatMap(({ faults }) => faults)).toEqual([]);
  const resolved = read.flatMap((writer) =>
    read.map((reader): [string, boolean] => [
      `${writer.name} -> ${reader.name}`,
      typeConflicts(writer.type, reader.type).length === 0,
    ]),
  );
  expect(fits.size).toBe(names.length ** 2);
  expect(resolved.filter(([, fit]) => fit).length).toBeGreaterThan(100);
  expect(resolved.filter(([pair, fit]) => fits.get(pair) !== fit)).toEqual([]);
});

/** Every codec is made once. */
const codecs = new Map(names.map((name) => [name, new AvroCodec(types[name].schema as object)]));

/** Values of a type, each branch and symbol among them, as code receives them from messages. */
function samples(name: TypeName): readonly unknown[] {
  const codec = codecs.get(name);
  return valuesOf(readAvroType(types[name].schema).type).map((value) => {
    const bytes = codec?.encode(value);
    if (bytes === undefined) throw new Error(codec?.misfit(value));
    return codec?.decode(bytes);
  });
}

const scalars: { readonly [name: string]: readonly unknown[] } = {
  null: [null],
  boolean: [true, false],
  int: [0, -(2 ** 31)],
  long: [1, 2 ** 40, 2n ** 60n],
  float: [0.5, 3e38],
  double: [1e300, 7],
  bytes: [Buffer.of(), Buffer.of(1)],
  string: ['', 'text'],
};

function valuesOf(type: AvroType): readonly unknown[] {
  switch (type.kind) {
    case 'primitive':
      return scalars[type.name] ?? [];
    case 'enum':
      return type.symbols;
    case 'fixed':
      return [Buffer.alloc(type.size)];
    case 'array':
      return [[], valuesOf(type.items)];
    case 'map':
      return [{}, ...valuesOf(type.values).map((value) => ({ key: value }))];
    case 'union':
      return type.branches.flatMap(valuesOf);
    case 'record': {
      const fields = type.fields.map((field) => ({ name: field.name, values: valuesOf(field.type) }));
      const most = Math.max(1, ...fields.map(({ values }) => values.length));
      return Array.from({ length: most }, (_, at) =>
        Object.fromEntries(fields.map(({ name, values }) => [name, values[at % values.length]])),
      );
    }
  }
}

/** Code may receive more fields than its type names. */
function fitsCodec(codec: AvroCodec | undefined, value: unknown): boolean {
  const misfit = codec?.misfit(value);
  return misfit === undefined || misfit.includes('not a field of the record');
}

test('code never receives a record that its type does not allow', () => {
  const pairs = names.flatMap((writer) => names.map((reader) => ({ writer, reader, key: `${writer} -> ${reader}` })));
  const taken = pairs.filter(({ key }) => fits.get(key) === true && fitsCode.get(key) === true);
  const wrong = taken.filter(({ writer, reader }) => {
    const codec = codecs.get(reader);
    return samples(writer).some((value) => !fitsCodec(codec, value));
  });
  expect(taken.length).toBeGreaterThan(100);
  expect(wrong).toEqual([]);
});

test('the compiler rejects code that relies on schema resolution, because code receives records as written', () => {
  const refused = [...fits].filter(([pair, fit]) => fit && fitsCode.get(pair) === false).map(([pair]) => pair);
  const promoted = ['string -> bytes', 'bytes -> string', 'bytes -> stringOrInt', 'bytes -> wide', 'bytes -> nOrText'];
  const symbols = ['ab -> aDefault', 'abc -> aDefault'];
  const bigLongs = ['long', 'float', 'double', 'nullableLong', 'wide'].map((reader) => `bigLong -> ${reader}`);
  const nothingShared = ['other', 'nested', 'nestedWide', 'nestedUnion', 's3list'].flatMap((writer) => [
    `${writer} -> nDefault`,
    `${writer} -> nOptional`,
  ]);
  expect([...refused].sort()).toEqual([...promoted, ...symbols, ...bigLongs, ...nothingShared].sort());
});
