import type { PlainMap } from '../../plain-map';
import { containerSettings, mergeContainers } from './container-settings';
import { defaultLanguage, type Language } from './language';
import { findMetaSetting, type MetaSetting } from './meta-setting';
import type { FunctionMeta } from './topology';

/** The settings of a valid `meta`, with their defaults; `own` is the `meta` as written, `container` the inherited one. */
export function functionMeta(meta: PlainMap, own: PlainMap, container: PlainMap): FunctionMeta {
  const setting = <T>(name: MetaSetting): T | undefined => findMetaSetting(meta, name)?.value as T | undefined;
  const optional = {
    name: setting<string>('name'),
    code: setting<string>('code'),
    module: setting<string>('module'),
    rate: setting<number>('rate'),
    downloadDirectory: setting<string>('download.directory'),
    bulk: bulkOf(meta),
  };
  return {
    ...(Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)) as typeof optional),
    language: setting<Language>('language') ?? defaultLanguage,
    checkpoint: setting<boolean>('checkpoint') ?? false,
    concurrency: setting<number>('concurrency') ?? 1,
    maxPollIntervalMs: setting<number>('max.poll.interval.ms') ?? 120_000,
    maxDeliver: setting<number>('maxDeliver') ?? 5,
    ack: setting<FunctionMeta['ack']>('ack') ?? 'auto',
    logicalTypes: setting<boolean>('logicalTypes') ?? false,
    container: containerSettings(mergeContainers(container, meta.container)),
    pause: setting<boolean>('pause') ?? false,
    update: setting<boolean>('update') ?? false,
    updatePolicy: setting<FunctionMeta['updatePolicy']>('updatePolicy') ?? 'KeepOffset',
    restart: setting<boolean>('restart') ?? false,
    own,
  };
}

const defaultFlushBytes = 5 * 1024 * 1024;

/** Bulk settings; undefined unless bulk is enabled and the thresholds are above 0. */
export function bulkOf(meta: PlainMap): FunctionMeta['bulk'] {
  const flushTimerMs = Number(findMetaSetting(meta, 'bulk.flush.timer')?.value ?? 0);
  const flushSize = Number(findMetaSetting(meta, 'bulk.flush.size')?.value ?? 0);
  const flushBytes = Number(findMetaSetting(meta, 'bulk.flush.bytes')?.value ?? defaultFlushBytes);
  const enabled = findMetaSetting(meta, 'bulk.enabled')?.value === true;
  const isValid = flushTimerMs > 0 && flushSize > 0 && flushBytes > 0;
  return enabled && isValid ? { flushTimerMs, flushSize, flushBytes } : undefined;
}
