import { Decimal, Duration } from '../../lib/topology/avro/logical-values';

/** What an object is to the codec. */
export const Shape = {
  plain: 0,
  /** An instance of a class without a form of its own in Avro: a record by its fields. */
  instance: 1,
  array: 2,
  /** Uint8Array, Buffer, and any other view with elements of one byte. */
  bytes: 3,
  map: 4,
  date: 5,
  decimal: 6,
  duration: 7,
  other: 8,
} as const;
export type Shape = (typeof Shape)[keyof typeof Shape];

/** Built-in objects that are no records, although records with defaults alone would fit them. */
const builtIn =
  /^\[object (?:Set|WeakMap|WeakSet|WeakRef|RegExp|Promise|Error|Number|String|Boolean|Symbol|BigInt|Function|GeneratorFunction|AsyncFunction|Generator|AsyncGenerator|ArrayBuffer|SharedArrayBuffer|Arguments|Iterator|URLSearchParams|.* Iterator)\]$/;

/** The shape of an object, also of one from another realm, as the code of a `vm` context makes them. */
export function shapeOf(value: object): Shape {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return Shape.plain;
  if (Array.isArray(value)) return Shape.array;
  if (ArrayBuffer.isView(value)) return isByteView(value) ? Shape.bytes : Shape.other;
  const tag = Object.prototype.toString.call(value);
  if (tag === '[object Map]') return Shape.map;
  if (tag === '[object Date]') return Shape.date;
  if (value instanceof Decimal) return Shape.decimal;
  if (value instanceof Duration) return Shape.duration;
  if (builtIn.test(tag)) return Shape.other;
  return Object.getPrototypeOf(prototype) === null ? Shape.plain : Shape.instance;
}

function isByteView(value: ArrayBufferView): boolean {
  return value instanceof DataView || (value as Partial<Uint8Array>).BYTES_PER_ELEMENT === 1;
}

/** The value's own or inherited property, but not one that every object has, such as `constructor`. */
export function ownProperty(value: object, name: string): unknown {
  return Object.hasOwn(value, name) ? (value as { readonly [key: string]: unknown })[name] : undefined;
}

/** Names that every object has: fields of these names count only if the object has them itself. */
export function isObjectProperty(name: string): boolean {
  return name in Object.prototype;
}
