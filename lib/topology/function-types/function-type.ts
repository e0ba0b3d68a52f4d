import { elasticSink } from './elastic-sink';
import { fsSource } from './fs-source';
import type { FunctionKind, FunctionTypeDescriptor } from './function-type-descriptor';
import { natsSink } from './nats-sink';
import { raw } from './raw';
import { rawSource } from './raw-source';
import { s3Sink } from './s3-sink';
import { taskWorker } from './task-worker';

/**
 * Every function type, by its name in the document. A new one is a descriptor here, a connector in
 * `runtime/connectors/<type>` if it is a source or sink, and a row in `docs/topology.md`.
 */
export const functionTypes = {
  'fs-source': fsSource,
  'raw-source': rawSource,
  raw,
  's3-sink': s3Sink,
  'elastic-sink': elasticSink,
  'nats-sink': natsSink,
  'task-worker': taskWorker,
} as const satisfies { readonly [type: string]: FunctionTypeDescriptor };

type FunctionTypes = typeof functionTypes;
export type FunctionType = keyof FunctionTypes;

/** The types whose descriptor has these properties. */
export type FunctionTypeWith<Properties> = {
  [T in FunctionType]: FunctionTypes[T] extends Properties ? T : never;
}[FunctionType];

/** The types with a folder in `runtime/connectors`: sources and sinks. */
export type ConnectorType = FunctionTypeWith<{ readonly kind: 'source' | 'sink' }>;

/** Names of all types, in the order of the table. */
export const functionTypeNames = Object.keys(functionTypes) as [FunctionType, ...FunctionType[]];

export function isFunctionType(name: unknown): name is FunctionType {
  return typeof name === 'string' && Object.hasOwn(functionTypes, name);
}

export function descriptorOf(type: FunctionType): FunctionTypeDescriptor {
  return functionTypes[type];
}

export function kindOf(type: FunctionType): FunctionKind {
  return functionTypes[type].kind;
}

/** A type with its article: `an fs-source`, `a raw`; `a function` of none. */
export function withArticle(type = 'function'): string {
  return `${/^(fs|s3|[aeio])/.test(type) ? 'an' : 'a'} ${type}`;
}
