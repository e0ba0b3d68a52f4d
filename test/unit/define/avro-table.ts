import { avro } from '../../../lib/define/avro';
import type { AsWritten, ReadsOf, ValueOf, WritesOf } from '../../../lib/define/avro-type';
import { s3list } from '../../../lib/define/connector-builders';

/** Types of every kind that the builders create. The tests pair each of them, as the writer, with each as the reader. */
export const types = {
  null: avro.null,
  boolean: avro.boolean,
  int: avro.int,
  long: avro.long,
  bigLong: avro.bigLong,
  float: avro.float,
  double: avro.double,
  string: avro.string,
  bytes: avro.bytes,
  ints: avro.array(avro.int),
  doubles: avro.array(avro.double),
  nullableInts: avro.array(avro.nullable(avro.int)),
  intMap: avro.map(avro.int),
  longMap: avro.map(avro.long),
  ab: avro.enum('ab', ['a', 'b']),
  a: avro.enum('a', ['a']),
  abc: avro.enum('abc', ['a', 'b', 'c']),
  aDefault: avro.enum('aDefault', ['a', 'x'], { default: 'a' }),
  fixed4: avro.fixed('fixed4', 4),
  alsoFixed4: avro.fixed('alsoFixed4', 4),
  fixed8: avro.fixed('fixed8', 8),
  nullableInt: avro.nullable(avro.int),
  nullableLong: avro.nullable(avro.long),
  stringOrInt: avro.union(avro.string, avro.int),
  onlyNull: avro.union(avro.null),
  wide: avro.union(avro.null, avro.boolean, avro.double, avro.string, avro.array(avro.string)),
  enumOrNull: avro.nullable(avro.enum('e', ['a', 'b'])),
  empty: avro.record('empty', {}),
  n: avro.record('n', { n: avro.int }),
  nLong: avro.record('nLong', { n: avro.long }, { namespace: 'other' }),
  nNullable: avro.record('nNullable', { n: avro.nullable(avro.int) }),
  nm: avro.record('nm', { n: avro.int, m: avro.string }),
  nDefault: avro.record('nDefault', { n: avro.withDefault(avro.long, 3) }),
  nOptional: avro.record('nOptional', { n: avro.optional(avro.long) }),
  mDefault: avro.record('mDefault', { m: avro.withDefault(avro.string, ''), n: avro.double }),
  other: avro.record('other', { other: avro.string }),
  nested: avro.record('nested', { inner: avro.record('inner', { n: avro.int, e: avro.enum('e', ['a']) }) }),
  nestedWide: avro.record('nestedWide', {
    inner: avro.record('inner', { n: avro.double, e: avro.enum('e', ['a', 'b']) }),
    more: avro.optional(avro.string),
  }),
  nestedUnion: avro.record('nestedUnion', { inner: avro.nullable(avro.record('inner', { n: avro.long })) }),
  nInArray: avro.array(avro.record('n', { n: avro.int })),
  nmInArray: avro.array(avro.record('nm', { n: avro.int, m: avro.string })),
  nOrText: avro.union(avro.record('n', { n: avro.int }), avro.string),
  s3list,
};

type Types = typeof types;

/** Whether the compiler accepts the edge from each writer to each reader. @public read by the compiler */
export type Fits = {
  [W in keyof Types]: { [R in keyof Types]: [WritesOf<Types[W]>] extends [ReadsOf<Types[R]>] ? true : false };
};

/** Whether code with the reader's type accepts the writer's records as written. @public read by the compiler */
export type FitsCode = {
  [W in keyof Types]: { [R in keyof Types]: [AsWritten<ValueOf<Types[W]>>] extends [ValueOf<Types[R]>] ? true : false };
};
