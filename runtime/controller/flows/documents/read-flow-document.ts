import path from 'node:path';
import { ConfigError } from '../../../../lib/errors';
import { entriesOf, isPlainMap } from '../../../../lib/plain-map';
import type { Purpose } from '../../../../lib/topology/document/draft';
import type { Topology } from '../../../../lib/topology/document/topology';
import {
  type DocumentPath,
  formatPath,
  type Problem,
  TopologyError,
  valueAt,
} from '../../../../lib/topology/problem/problem';
import { quote } from '../../../../lib/topology/problem/show-value';
import type { DocumentSource } from '../../../../lib/topology/read/document-source';
import { parseDocument } from '../../../../lib/topology/read/parse-document';
import { readTopology } from '../../../../lib/topology/read-topology';
import type { UpdateDifference } from '../../../../lib/topology/update/update-difference';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';

/** Maximum size of a document in bytes; a larger one is rejected before it is parsed. */
export const maxDocumentBytes = 16 * 1024 ** 2;

/** The file name in problems of a submitted document. */
export const documentName = 'document';

/** A submitted document without errors. */
export interface FlowDocumentRead {
  readonly topology: Topology;
  readonly warnings: readonly Problem[];
}

/** Same as `checkFlowDocument`, without the warnings. */
export function readFlowDocument(text: string, flow: FlowKey): Topology {
  return checkFlowDocument(text, flow).topology;
}

/**
 * Reads a submitted document, YAML or JSON. The namespace and the jobId default to the flow's. Throws TopologyError with
 * every problem, including the name of another flow and modules in files of the sender; ConfigError `payload-too-large`
 * for more than `maxDocumentBytes`.
 */
export function checkFlowDocument(text: string, flow: FlowKey, purpose?: Purpose): FlowDocumentRead {
  assertSize(text);
  const { source } = parseDocument(text, documentName);
  const isOpen = (key: keyof FlowKey) => source !== undefined && (valueAt(source.value, [key]) ?? null) === null;
  const sets = (['namespace', 'jobId'] as const).filter(isOpen).map((key) => ({ path: key, value: flow[key] }));
  const { topology, problems } = readTopology(text, { file: documentName, defaultJobId: flow.jobId, sets, purpose });
  const all = [
    ...problems.map((problem) => (problem.file === '--set' ? { ...problem, file: 'request' } : problem)),
    ...(source === undefined ? [] : [...otherNames(source, flow), ...moduleProblems(source)]),
  ];
  if (topology === undefined || all.length > problems.length)
    throw new TopologyError(all.sort((one, other) => one.line - other.line || one.col - other.col));
  return { topology, warnings: all };
}

/** The namespace and the jobId in a document, which need not be valid otherwise. Throws ConfigError `payload-too-large`. */
export function readFlowNames(text: string): Partial<FlowKey> {
  assertSize(text);
  const { source } = parseDocument(text, documentName);
  const names = (['namespace', 'jobId'] as const).map((key) => [key, valueAt(source?.value, [key])] as const);
  return Object.fromEntries(names.filter(([, name]) => typeof name === 'string' && name !== ''));
}

/** The differences that an update must not have, as problems at their places in the new document's text. */
export function updateProblems(text: string, differences: readonly UpdateDifference[]): readonly Problem[] {
  const { source } = parseDocument(text, documentName);
  return differences.map(({ path: at, place, message }) => ({
    severity: 'error',
    code: 'update-refused',
    ...(source?.keyPositionOf(place) ?? { file: documentName, line: 1, col: 1 }),
    path: at,
    message,
  }));
}

/** Where functions of a document write on this machine, as warnings at their places in its text. */
export function serverWarnings(
  text: string,
  notes: readonly { readonly index: number; readonly message: string }[],
): readonly Problem[] {
  const { source } = parseDocument(text, documentName);
  return notes.map(({ index, message }) => {
    const place = ['dag', index];
    return {
      severity: 'warning',
      code: 'not-run-yet',
      ...(source?.positionOf(place) ?? { file: documentName, line: 1, col: 1 }),
      path: formatPath(place),
      message,
    };
  });
}

function assertSize(text: string): void {
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxDocumentBytes) return;
  const message = `the document has ${bytes} bytes, more than the limit of ${maxDocumentBytes}; move code into modules of an image`;
  throw new ConfigError('payload-too-large', message);
}

function otherNames(source: DocumentSource, flow: FlowKey): readonly Problem[] {
  return (['namespace', 'jobId'] as const).flatMap((key) => {
    const said = valueAt(source.value, [key]);
    if (typeof said !== 'string' || said === flow[key]) return [];
    const message = `is ${quote(said)}, but the request is for the flow ${flowName(flow)}; remove the field, or correct the request`;
    return [problem(source, { code: 'setting-invalid', at: [key], message })];
  });
}

/** Modules in files beside the document: only the sender can read them. */
function moduleProblems(source: DocumentSource): readonly Problem[] {
  return entriesOf(valueAt(source.value, ['dag'])).flatMap(([index, fn]) => {
    const tasks = isPlainMap(fn.tasks) ? Object.entries(fn.tasks) : [];
    const places = [['meta', fn.meta] as const, ...tasks.map(([name, task]) => [`tasks.${name}`, task] as const)];
    return places.flatMap(([place, code]) => {
      const module = isPlainMap(code) ? code.module : undefined;
      if (typeof module !== 'string' || path.isAbsolute(module)) return [];
      const message = `the controller has no file ${quote(module)}; submit with kflow, which sends the code, or use the absolute path of a module in the image`;
      return [problem(source, { code: 'setting-invalid', at: ['dag', index, ...place.split('.'), 'module'], message })];
    });
  });
}

function problem(
  source: DocumentSource,
  { code, at, message }: { readonly code: Problem['code']; readonly at: DocumentPath; readonly message: string },
): Problem {
  return { severity: 'error', code, ...source.positionOf(at), path: formatPath(at), message };
}
