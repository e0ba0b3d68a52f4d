import { ConfigError } from '../errors';
import type { AvroSchema, WrittenSchema } from '../topology/avro/avro-type';
import { hasBigInt, renderExactJson } from '../topology/avro/exact-json';
import type { TopologyDocument } from '../topology/document/document-schema';
import type { GlobalConfigOptions } from './cdk8s-options';
import { codeSettings } from './code-settings';
import type { DeclaredFunction } from './flow-declarations';
import type { FlowOptions } from './flow-options';
import { functionFaults } from './function-faults';
import { type ResolvedDocument, resolveValue } from './resolve-document';

/**
 * The document of a definition, in the order a person would write it. Throws ConfigError with every fault of the options,
 * and of the functions' code and inputs, one per line.
 */
export function flowDocument(options: FlowOptions, functions: readonly DeclaredFunction[]): ResolvedDocument {
  const { runtime, namespace, jobId, mode, parallelism, run, directory, ...settings } = options;
  const globalConfig = resolveValue<GlobalConfigOnly<typeof settings>>(settings);
  const references = [...globalConfig.references];
  const faults = [...globalConfig.faults];
  const readers = readersByOutput(functions);
  const dag = functions.map((declared) => {
    const resolved = resolveValue(declared.options);
    const each = { ...declared, options: resolved.value };
    const code = guarded(() => (each.run === undefined ? {} : codeSettings(each.run, directory)), each, faults);
    faults.push(...[...resolved.faults, ...functionFaults(each)].map((fault) => `${each.id}: ${fault}`));
    references.push(...resolved.references);
    return functionDocument(each, { code, readers });
  });
  if (faults.length > 0) throw new ConfigError('config-invalid', faults.join('\n'));
  const config = filled(present(globalConfig.value));
  const document = present({ runtime, jobId, namespace, mode, parallelism, run, globalConfig: config, dag });
  // every object of cdk8s in the options is resolved
  return { document: document as TopologyDocument, references };
}

/** Does not compile if `T` has a field that is not part of `globalConfig`; list such a field among the flow's own. */
type GlobalConfigOnly<T> = GlobalConfigOptions & {
  readonly [Key in Exclude<keyof T, keyof GlobalConfigOptions>]: never;
};

/** The result of an action. A ConfigError is added to `faults`, so that all of them are reported at once. */
function guarded<T>(action: () => T, { id }: DeclaredFunction, faults: string[]): T | undefined {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    faults.push(`${id}: ${error.message}`);
    return undefined;
  }
}

type Readers = ReadonlyMap<string, readonly string[]>;

function functionDocument(
  { id, type, format, options, schema, sideOuts = {} }: DeclaredFunction,
  { code = {}, readers }: { code?: object; readers: Readers },
): object {
  const { addr, topics, user, password, secret, image, imagePullPolicy, meta, ...others } = options;
  const sides = Object.entries(sideOuts).map(([sideId, side]) =>
    present({ id: sideId, schema: writtenSchema(side.schema), out: readers.get(outputKey(id, sideId)) }),
  );
  return present({
    id,
    type,
    format,
    addr,
    topics,
    user,
    password,
    secret,
    image,
    imagePullPolicy,
    ...others,
    schema: schema && writtenSchema(schema),
    meta: filled({ ...meta, ...code }),
    sideOuts: sides.length === 0 ? undefined : sides,
    out: readers.get(outputKey(id)),
  });
}

/** A schema with a default beyond 2^53 is written as text, because a document is JSON. */
function writtenSchema(schema: AvroSchema): WrittenSchema {
  return hasBigInt(schema) ? renderExactJson(schema) : schema;
}

/** Ids of the readers of each output, in the order of their declaration. */
function readersByOutput(functions: readonly DeclaredFunction[]): Readers {
  const readers = new Map<string, string[]>();
  for (const { id, from } of functions) {
    for (const { place } of from) {
      const key = outputKey(place.functionId, place.sideId);
      readers.set(key, [...(readers.get(key) ?? []), id]);
    }
  }
  return readers;
}

function outputKey(functionId: string, sideId?: string): string {
  return JSON.stringify([functionId, sideId]);
}

function filled<T extends object>(map: T): T | undefined {
  return Object.keys(map).length === 0 ? undefined : map;
}

/** Without the keys that have no value. */
function present<T extends object>(map: T): T {
  return Object.fromEntries(Object.entries(map).filter(([, value]) => value !== undefined)) as T;
}
