import path from 'node:path';
import * as avsc from 'avsc';
import ts from 'typescript';
import { readAvroType } from '../../../lib/topology/avro/avro-type-reader';
import { typeConflicts } from '../../../lib/topology/avro/resolve-schema';
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

/** Random values of a type, decoded from messages. */
function samples(name: TypeName): readonly unknown[] {
  const type = avsc.Type.forSchema(types[name].schema as avsc.Schema);
  return Array.from({ length: 40 }, () => type.fromBuffer(type.toBuffer(type.random())));
}

test('code never receives a record that its type does not allow', () => {
  const pairs = names.flatMap((writer) => names.map((reader) => ({ writer, reader, key: `${writer} -> ${reader}` })));
  const taken = pairs.filter(({ key }) => fits.get(key) === true && fitsCode.get(key) === true);
  const wrong = taken.filter(({ writer, reader }) => {
    const type = avsc.Type.forSchema(types[reader].schema as avsc.Schema);
    return samples(writer).some((value) => !type.isValid(value));
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
