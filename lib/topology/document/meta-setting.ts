import { z } from 'zod';
import { isPlainMap, type PlainMap } from '../../plain-map';
import type { DocumentPath } from '../problem/problem';
import { containerSchema } from './container-schema';
import { field } from './document-field';
import { defaultLanguage, languageNames } from './language';

/**
 * The settings KFlow reads from a function's `meta`, by their dotted names. A dotted name may be written flat
 * (`bulk.flush.size: 10`), nested, or partly nested.
 */
export const metaSettings = {
  name: field.text('Name of the entry function in the code or module.'),
  code: field.text('Source text of the function, in Python unless `language` is set.'),
  module: field.text('Path of a module with the function, relative to this document.'),
  language: field.oneOf(languageNames, `Language of the code; ${defaultLanguage} by default.`),
  checkpoint: field.flag('fs-source: remember the listed objects across runs; false by default.'),
  rate: field.positive('raw-source: maximum number of records per second and replica.'),
  concurrency: field.count(
    'Number of records that a replica processes concurrently if its function is asynchronous; 1 by default.',
  ),
  'max.poll.interval.ms': field.count(
    'Milliseconds that a record may take without a heartbeat before it is redelivered; 120000 by default.',
  ),
  maxDeliver: field.count('Number of attempts before a record is dead-lettered; 5 by default.'),
  ack: field.oneOf(
    ['auto', 'manual'],
    'When a record is acked: when its function has returned (auto, the default), or when the function requests it (manual).',
  ),
  logicalTypes: field.flag(
    'Values with a logical type arrive as those of the language (datetime, Decimal, Date, ...) instead of numbers, text and bytes; false by default.',
  ),
  'download.directory': field.text('Directory of automatic downloads, below /tmp/.'),
  'bulk.enabled': field.flag('Sinks: write records in bulk; requires both flush settings above 0.'),
  'bulk.flush.timer': field.integer('Milliseconds between two flushes of a bulk.'),
  'bulk.flush.size': field.integer('Number of records that triggers a flush.'),
  'bulk.flush.bytes': field.integer('Bytes of records, in Avro, that trigger a flush; 5242880 by default.'),
  pause: field.flag('Update: scale this function to 0, or suspend it; requires `update: true`.'),
  update: field.flag('Update: allow this function to change; false by default.'),
  updatePolicy: field.oneOf(
    ['KeepOffset', 'DropOffset'],
    'Update in batch mode: continue after the last acked record (KeepOffset, the default) or re-read from the first record.',
  ),
  restart: field.flag('Update in stream mode: also restart running replicas; false by default.'),
  'nats.conn.options': field.openSection({}, 'Options of the NATS connection.'),
  'nats.js.options': field.openSection({}, 'Options of JetStream.'),
  container: containerSchema,
} as const;

export type MetaSetting = keyof typeof metaSettings;

/** First parts of dotted names that users may use as keys of their own. */
const sharedHeads: ReadonlySet<string> = new Set(['max', 'nats']);

/** A setting's value and its path below `meta`, flat or nested; undefined if the document does not set it. */
export function findMetaSetting(
  meta: PlainMap,
  name: MetaSetting,
): { readonly path: DocumentPath; readonly value: unknown } | undefined {
  return findDotted(meta, name, []);
}

function findDotted(map: PlainMap, rest: string, above: DocumentPath): ReturnType<typeof findMetaSetting> {
  if (Object.hasOwn(map, rest)) return { path: [...above, rest], value: map[rest] };
  for (let dot = rest.indexOf('.'); dot >= 0; dot = rest.indexOf('.', dot + 1)) {
    const head = rest.slice(0, dot);
    const inner = Object.hasOwn(map, head) ? map[head] : undefined;
    const found = isPlainMap(inner) ? findDotted(inner, rest.slice(dot + 1), [...above, head]) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The shape of `meta`, with each dotted setting flat and nested. */
export function metaShape(): z.ZodRawShape {
  return dottedShape(Object.entries(metaSettings));
}

function dottedShape(settings: readonly (readonly [string, z.ZodType])[]): z.ZodRawShape {
  const shape: Record<string, z.ZodType> = {};
  const heads = new Map<string, [string, z.ZodType][]>();
  for (const [name, type] of settings) {
    shape[name] = type.optional();
    const dot = name.indexOf('.');
    if (dot < 0) continue;
    const head = name.slice(0, dot);
    heads.set(head, [...(heads.get(head) ?? []), [name.slice(dot + 1), type]]);
  }
  for (const [head, inner] of heads) {
    const names = inner.map(([name]) => `${head}.${name}`).join(', ');
    const nested = field.openSection(dottedShape(inner), `Nested form of ${names}.`);
    shape[head] = sharedHeads.has(head) ? z.union([nested, ownValue]).optional() : nested.optional();
  }
  return shape;
}

const ownValue = z.union([z.string(), z.number(), z.boolean(), z.array(z.unknown())]);
