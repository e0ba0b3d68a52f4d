import { isPlainMap, type PlainMap } from '../../plain-map';
import { type ReadSchema, readAvroSchema, type SchemaFault } from '../avro/read-avro-schema';
import {
  descriptorOf,
  type FunctionType,
  functionTypeNames,
  isFunctionType,
  kindOf,
} from '../function-types/function-type';
import type { FunctionKind, FunctionTypeDescriptor } from '../function-types/function-type-descriptor';
import { nearestName } from '../problem/nearest-name';
import type { DocumentPath } from '../problem/problem';

/**
 * What a document is read for. `run`: secret values stay on this machine, and what is missing is filled in. `controller`: the
 * same, and a cluster does what this machine would not. `manifests`:
 * a server must be named, and a secret value must be one that a Secret can stand for. `manifests-without-secrets`: the same,
 * and no secret value at all.
 */
export type Purpose = 'run' | 'controller' | 'manifests' | 'manifests-without-secrets';

/** What can be read of a document whose shape may be wrong in places: the semantic checks run on this. */
export interface Draft {
  readonly root: PlainMap;
  readonly jobId: string;
  readonly globalConfig: PlainMap;
  readonly functions: readonly DraftFunction[];
}

export interface DraftFunction {
  readonly index: number;
  readonly path: DocumentPath;
  readonly raw: PlainMap;
  readonly id?: string;
  /** Absent when `type` is missing or not known. */
  readonly type?: FunctionType;
  /** Of `type`; absent as it is. */
  readonly descriptor?: FunctionTypeDescriptor;
  /** Of the type, or of what an unknown one was most likely meant to be. */
  readonly kind?: FunctionKind;
  readonly out: readonly DraftEdge[];
  readonly sideOuts: readonly DraftSideOutput[];
  readonly schema?: ReadSchema;
  readonly schemaFaults: readonly SchemaFault[];
  readonly globalConfig: PlainMap;
  readonly meta: PlainMap;
  /** `meta` as written, with the keys that hold nothing. */
  readonly ownMeta: PlainMap;
}

export interface DraftEdge {
  readonly to: string;
  readonly path: DocumentPath;
}

export interface DraftSideOutput {
  readonly path: DocumentPath;
  readonly raw: PlainMap;
  readonly id?: string;
  readonly schema?: ReadSchema;
  readonly schemaFaults: readonly SchemaFault[];
  readonly out: readonly DraftEdge[];
}

type SchemaReader = (written: unknown) => { schema?: ReadSchema; schemaFaults: readonly SchemaFault[] };

/** Reads a document (without its empty keys) as far as it can be read; `written` is the same with them. */
export function readDraft(
  root: PlainMap,
  { written, defaultJobId }: { written: unknown; defaultJobId: string },
): Draft {
  const readSchema = schemaReader();
  const dag = Array.isArray(root.dag) ? root.dag : [];
  const writtenDag = isPlainMap(written) && Array.isArray(written.dag) ? written.dag : [];
  const functions = dag.flatMap((raw: unknown, index) => {
    const own = isPlainMap(writtenDag[index]) ? mapOf(writtenDag[index].meta) : {};
    return isPlainMap(raw) ? [readFunction(raw, { index, own, readSchema })] : [];
  });
  const jobId = typeof root.jobId === 'string' ? root.jobId : jobIdOfFile(defaultJobId);
  return { root, jobId, globalConfig: mapOf(root.globalConfig), functions };
}

function readFunction(
  raw: PlainMap,
  { index, own, readSchema }: { index: number; own: PlainMap; readSchema: SchemaReader },
): DraftFunction {
  const path = ['dag', index];
  const type = isFunctionType(raw.type) ? raw.type : undefined;
  const meant = type ?? (typeof raw.type === 'string' ? nearestName(raw.type, functionTypeNames) : undefined);
  return {
    index,
    path,
    raw,
    id: textOf(raw.id),
    type,
    descriptor: type && descriptorOf(type),
    kind: isFunctionType(meant) ? kindOf(meant) : undefined,
    out: edgesOf(raw, path),
    sideOuts: (Array.isArray(raw.sideOuts) ? raw.sideOuts : []).flatMap((side: unknown, at) =>
      isPlainMap(side) ? [readSideOutput(side, { path: [...path, 'sideOuts', at], readSchema })] : [],
    ),
    ...readSchema(raw.schema),
    globalConfig: mapOf(raw.globalConfig),
    meta: mapOf(raw.meta),
    ownMeta: own,
  };
}

function readSideOutput(
  raw: PlainMap,
  { path, readSchema }: { path: DocumentPath; readSchema: SchemaReader },
): DraftSideOutput {
  return { path, raw, id: textOf(raw.id), out: edgesOf(raw, path), ...readSchema(raw.schema) };
}

function edgesOf(raw: PlainMap, path: DocumentPath): readonly DraftEdge[] {
  // A lone name in place of a list is told by the check of the shape; the edge it means is there all the same.
  if (typeof raw.out === 'string') return [{ to: raw.out, path: [...path, 'out'] }];
  const out = Array.isArray(raw.out) ? raw.out : [];
  return out.flatMap((to: unknown, index) => (typeof to === 'string' ? [{ to, path: [...path, 'out', index] }] : []));
}

/** The same text is read once: documents repeat their schemas. */
function schemaReader(): SchemaReader {
  const known = new Map<unknown, ReturnType<SchemaReader>>();
  return (written) => {
    if (typeof written !== 'string' && !isPlainMap(written)) return { schemaFaults: [] };
    const before = known.get(written);
    if (before !== undefined) return before;
    const reading = readAvroSchema(written);
    const result = 'read' in reading ? { schema: reading.read, schemaFaults: [] } : { schemaFaults: reading.faults };
    known.set(written, result);
    return result;
  };
}

function mapOf(value: unknown): PlainMap {
  return isPlainMap(value) ? value : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** The jobId of a document that does not name one: its file's name made a valid label, `etl_Jobs.v2.yaml` → `etl-jobs-v2`. */
export function jobIdOfFile(name: string): string {
  const base = name.split(/[\\/]/).at(-1) ?? '';
  const label = base
    .replace(/\.(ya?ml|json|ts|js)$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-+|-+$/g, '');
  return label === '' ? 'flow' : label;
}
