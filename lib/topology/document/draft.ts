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
import { toDnsLabel } from './dns-label';

/**
 * Why a document is read.
 * - `run`: on this machine. Secrets stay here, and missing settings have defaults.
 * - `controller`: on a cluster, with the controller's defaults; secrets are allowed only where a Secret can replace them.
 * - `manifests`: servers must be named, and secrets are allowed only where a Secret can replace them.
 * - `manifests-without-secrets`: like `manifests`, without any secret value.
 */
export type Purpose = 'run' | 'controller' | 'manifests' | 'manifests-without-secrets';

/** The readable parts of a document that may contain errors. The semantic checks run on it. */
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
  /** Absent if `type` is missing or unknown. */
  readonly type?: FunctionType;
  /** Descriptor of `type`. */
  readonly descriptor?: FunctionTypeDescriptor;
  /** Kind of the type, or of the known type most similar to an unknown one. */
  readonly kind?: FunctionKind;
  readonly out: readonly DraftEdge[];
  readonly sideOuts: readonly DraftSideOutput[];
  readonly schema?: ReadSchema;
  readonly schemaFaults: readonly SchemaFault[];
  readonly globalConfig: PlainMap;
  readonly meta: PlainMap;
  /** `meta` as written, including keys without a value. */
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

/** Reads the valid parts of a document without empty keys; `written` is the document with them. */
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
  // the shape check reports a name instead of a list; the edge still counts
  if (typeof raw.out === 'string') return [{ to: raw.out, path: [...path, 'out'] }];
  const out = Array.isArray(raw.out) ? raw.out : [];
  return out.flatMap((to: unknown, index) => (typeof to === 'string' ? [{ to, path: [...path, 'out', index] }] : []));
}

/** Reads each text once, because documents repeat their schemas. */
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

/** The default jobId of a document: the name of its file as a valid label, `etl_Jobs.v2.yaml` → `etl-jobs-v2`. */
export function jobIdOfFile(name: string): string {
  const base = name.split(/[\\/]/).at(-1) ?? '';
  const label = toDnsLabel(base.replace(/\.(ya?ml|json|ts|js)$/i, ''), 40);
  return label === '' ? 'flow' : label;
}
