import type { AvroSchema } from '../topology/avro/avro-type';
import {
  descriptorOf,
  type FunctionType,
  type FunctionTypeWith,
  functionTypeNames,
  type functionTypes,
} from '../topology/function-types/function-type';
import { avro } from './avro';
import type { AsWritten, RecordType, ValueOf, WritesOf } from './avro-type';
import type { FlowDeclarations } from './flow-declarations';
import type { FunctionOptions, RawSourceOptions, SinkOptions, SourceOptions } from './flow-options';
import type { FunctionOutput, NoSides, OutputOf, SideTypes } from './flow-output';

/** What an fs-source emits for each object, with the schema of its descriptor. */
export const s3list = avro.record(
  's3list',
  { url: avro.string, lastModifiedUnixMilli: avro.long, bucket: avro.string, key: avro.string },
  { namespace: 'tech.athea.kosmos' },
);

/** The record types of sources with an implicit schema. */
const implicitTypes = {
  'fs-source': s3list,
} as const satisfies { readonly [T in FunctionTypeWith<{ readonly implicitSchema: AvroSchema }>]: RecordType };

type ImplicitTypes = typeof implicitTypes;

/** `s3-sink` as `s3Sink`. */
type CamelCase<Name extends string> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name;

type BuiltType = FunctionTypeWith<{ readonly kind: 'source' | 'sink' }>;

type BuilderOf<T extends BuiltType> = (typeof functionTypes)[T] extends { readonly kind: 'sink' }
  ? <R extends RecordType = RecordType>(id: string, options: SinkOptions<R>) => void
  : T extends keyof ImplicitTypes
    ? (id: string, options: FunctionOptions) => OutputOf<ImplicitTypes[T]>
    : (typeof functionTypes)[T] extends { readonly code: 'none' }
      ? <W extends RecordType>(id: string, options: SourceOptions<W>) => OutputOf<W>
      : <W extends RecordType, S extends SideTypes = NoSides>(
          id: string,
          options: RawSourceOptions<W, S>,
        ) => FunctionOutput<WritesOf<W>, AsWritten<ValueOf<W>>, S>;

/**
 * A builder per source and sink, named after its type: `fsSource` adds an `fs-source`. Sources take the type they write,
 * unless their schema is implicit, and return their output. Sinks take the outputs they read.
 */
export type ConnectorBuilders = {
  readonly [T in keyof typeof functionTypes & BuiltType as CamelCase<T>]: BuilderOf<T>;
};

/** Name of the builder of a type. */
export function builderNameOf(type: FunctionType): string {
  return type.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** The builders of all sources and sinks, which add to `declarations`. */
export function createConnectorBuilders(declarations: FlowDeclarations): ConnectorBuilders {
  const entries = functionTypeNames.flatMap((type) => {
    const { kind } = descriptorOf(type);
    if (kind === 'process') return [];
    const build =
      kind === 'sink'
        ? (id: string, options: SinkOptions<RecordType>) => declarations.addSink(id, type, options)
        : (id: string, options: Partial<SourceOptions<RecordType>>) =>
            declarations.addSource(id, type, { writes: implicitTypeOf(type), ...options });
    return [[builderNameOf(type), build] as const];
  });
  // the types of the builders are derived from the same table
  return Object.fromEntries(entries) as unknown as ConnectorBuilders;
}

function implicitTypeOf(type: FunctionType): RecordType | undefined {
  return Object.hasOwn(implicitTypes, type) ? implicitTypes[type as keyof ImplicitTypes] : undefined;
}
