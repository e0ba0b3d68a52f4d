import { isPlainMap, type PlainMap } from '../../plain-map';
import { descriptorOf, type FunctionType } from '../function-types/function-type';
import { containerSettings, mergeContainers } from './container-settings';
import type { Draft, DraftFunction } from './draft';
import { functionMeta } from './function-meta';
import { defaultLanguage, type Language } from './language';
import { findMetaSetting } from './meta-setting';
import type { FlowFunction, GlobalConfig, Mode, SideOutput, Topology } from './topology';

/**
 * The document with all defaults filled in and `globalConfig` inherited, deeply frozen. The draft must be free of errors,
 * because the checks have already validated its values.
 */
export function completeTopology(draft: Draft): Topology {
  const { root } = draft;
  const parallelism = (root.parallelism as number | undefined) ?? 1;
  const globalConfig = completeGlobalConfig(draft.globalConfig);
  const isStepped = globalConfig.devStore.enabled;
  return deepFreeze({
    namespace: (root.namespace as string | undefined) ?? 'default',
    jobId: draft.jobId,
    // a flow that runs step by step has no end
    mode: isStepped ? 'stream' : ((root.mode as Mode | undefined) ?? 'stream'),
    parallelism,
    ...present({ run: root.run as number | undefined }),
    globalConfig,
    container: containerSettings(draft.globalConfig.container),
    dag: draft.functions.map((draftFunction) => {
      const fn = completeFunction(draftFunction, { draft, parallelism });
      return isStepped ? { ...fn, parallelism: 1 } : fn; // one replica takes each object
    }),
  });
}

function completeFunction(
  { raw, id, type: knownType, out, sideOuts, schema, globalConfig: own, meta, ownMeta }: DraftFunction,
  { draft, parallelism }: { draft: Draft; parallelism: number },
): FlowFunction {
  const globalConfig = completeGlobalConfig(draft.globalConfig, own);
  const type = knownType as FunctionType;
  const usesStore = descriptorOf(type).connectsTo === 'object-store';
  const text = (key: string): string | undefined => raw[key] as string | undefined;
  const connection = overlay(usesStore ? globalConfig.store : {}, present(connectionOf(raw)));
  const image = (key: 'image' | 'imagePullPolicy') =>
    text(key) ?? ((own[key] ?? draft.globalConfig[key]) as string | undefined);
  return {
    id: id ?? '',
    type,
    parallelism: (raw.parallelism as number | undefined) ?? parallelism,
    out: out.map(({ to }) => to),
    sideOuts: sideOuts.flatMap((side): SideOutput[] =>
      side.id === undefined || side.schema === undefined
        ? []
        : [{ id: side.id, schema: side.schema.schema, out: side.out.map(({ to }) => to) }],
    ),
    ...present({
      schema: schema?.schema,
      format: raw.format as FlowFunction['format'],
      ...connectionOf(connection),
      topics: text('topics'),
      image: image('image'),
      imagePullPolicy: image('imagePullPolicy'),
      groupId: text('groupId'),
      partitionBy: text('partitionBy'),
      tasks: tasksOf(raw.tasks, meta),
    }),
    globalConfig,
    meta: functionMeta(meta, ownMeta, mergeContainers(draft.globalConfig.container, own.container)),
  };
}

/** The tasks of a worker, each with its language. */
function tasksOf(tasks: unknown, meta: PlainMap): FlowFunction['tasks'] {
  if (!isPlainMap(tasks)) return undefined;
  const language = (findMetaSetting(meta, 'language')?.value as Language | undefined) ?? defaultLanguage;
  const each = Object.entries(tasks).map(([name, task]) => [name, { language, ...(isPlainMap(task) ? task : {}) }]);
  return Object.fromEntries(each);
}

const credentialKeys = ['user', 'password', 'sessionToken', 'secret', 'secretKeys', 'auth'] as const;
const placeKeys = ['region', 'ca', 'pathStyle'] as const;
type ConnectionKey = 'addr' | (typeof credentialKeys)[number] | (typeof placeKeys)[number];

function connectionOf(map: PlainMap): Pick<FlowFunction, ConnectionKey> {
  const keys: readonly ConnectionKey[] = ['addr', ...credentialKeys, ...placeKeys];
  return Object.fromEntries(keys.map((key) => [key, map[key]]));
}

/**
 * Merges two sections; inner keys win. Inner credentials of one kind (a user, a Secret, the environment) replace outer ones
 * of another kind, and an inner address replaces what belongs to the outer one.
 */
export function overlay(outer: PlainMap, inner: PlainMap): PlainMap {
  const has = (...keys: readonly ConnectionKey[]) => keys.some((key) => inner[key] !== undefined);
  const replaced = new Set<string>();
  if (has('secret', 'auth')) for (const key of credentialKeys) replaced.add(key);
  if (has('user', 'password')) replaced.add('sessionToken');
  if (has('user', 'password', 'sessionToken')) for (const key of ['secret', 'secretKeys', 'auth']) replaced.add(key);
  if (has('addr') && inner.addr !== outer.addr) for (const key of placeKeys) replaced.add(key);
  const kept = Object.entries(outer).filter(([key]) => !replaced.has(key));
  return { ...Object.fromEntries(kept), ...inner };
}

/** Merges a function's own settings over the topology's, key by key in each section. */
function completeGlobalConfig(topology: PlainMap, own?: PlainMap): GlobalConfig {
  const section = (name: string): PlainMap => overlay(sectionOf(topology, name), sectionOf(own ?? {}, name));
  // KFlow uses no image of its own for these
  const store = (name: string): PlainMap => {
    const { image: _image, imagePullPolicy: _policy, ...others } = section(name);
    return others;
  };
  const { enabled } = sectionOf(own ?? topology, 'messageStore');
  return {
    store: { autoDownload: false, ...section('store') },
    messageStore: { ...store('messageStore'), enabled: enabled === true },
    sideStream: { enabled: false, ...section('sideStream') },
    metrics: { enabled: false, port: 9002, ...section('metrics') },
    devStore: { enabled: false, ...store('devStore') },
    stream: { maxMsgs: 100_000, maxBytes: 1024 ** 3, replicas: 1, onDelete: 'keep', ...section('stream') },
  };
}

/** A section of a `globalConfig`; empty if the document has none. */
export function sectionOf(config: PlainMap, name: string): PlainMap {
  const section = config[name];
  return isPlainMap(section) ? section : {};
}

/** Only the keys that have a value. */
function present<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
  return value;
}
