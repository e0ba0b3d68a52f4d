import path from 'node:path';
import { ConfigError } from '../../../../lib/errors';
import { entriesOf, isPlainMap } from '../../../../lib/plain-map';
import type { Purpose } from '../../../../lib/topology/document/purpose';
import type { Topology } from '../../../../lib/topology/document/topology';
import { type DocumentPath, formatPath, valueAt } from '../../../../lib/topology/problem/document-path';
import { type Problem, TopologyError } from '../../../../lib/topology/problem/problem';
import { quote } from '../../../../lib/topology/problem/show-value';
import type { DocumentSource } from '../../../../lib/topology/read/document-source';
import { parseDocument } from '../../../../lib/topology/read/parse-document';
import { readTopology } from '../../../../lib/topology/read-topology';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';

/** Bytes of a document; more is refused before it is read. */
export const maxDocumentBytes = 16 * 1024 ** 2;

/** Stands for the file in the problems of a submitted document. */
export const documentName = 'document';

/** A submitted document that has no errors. */
export interface FlowDocumentRead {
  readonly topology: Topology;
  readonly warnings: readonly Problem[];
}

/** The topology of `checkFlowDocument` alone. */
export function readFlowDocument(text: string, flow: FlowKey): Topology {
  return checkFlowDocument(text, flow).topology;
}

/**
 * Reads a submitted document, YAML or JSON. What it does not say of its namespace and jobId is the flow's. Throws
 * TopologyError with every problem: those of the document, another flow's name in it, and modules that would have to be
 * read from a file; ConfigError `payload-too-large` for more than `maxDocumentBytes`.
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

/** The names that a document has for its flow, as far as it can be read. Throws ConfigError `payload-too-large`. */
export function readFlowNames(text: string): Partial<FlowKey> {
  assertSize(text);
  const { source } = parseDocument(text, documentName);
  const names = (['namespace', 'jobId'] as const).map((key) => [key, valueAt(source?.value, [key])] as const);
  return Object.fromEntries(names.filter(([, name]) => typeof name === 'string' && name !== ''));
}

function assertSize(text: string): void {
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxDocumentBytes) return;
  const message = `the document has ${bytes} bytes, and ${maxDocumentBytes} are allowed; put code into modules of an image`;
  throw new ConfigError('payload-too-large', message);
}

function otherNames(source: DocumentSource, flow: FlowKey): readonly Problem[] {
  return (['namespace', 'jobId'] as const).flatMap((key) => {
    const said = valueAt(source.value, [key]);
    if (typeof said !== 'string' || said === flow[key]) return [];
    const message = `is ${quote(said)}, and the request is for the flow ${flowName(flow)}; remove it, or send it for the flow it names`;
    return [problem(source, { code: 'setting-invalid', at: [key], message })];
  });
}

/** Only who sends a document can read files beside it. */
function moduleProblems(source: DocumentSource): readonly Problem[] {
  return entriesOf(valueAt(source.value, ['dag'])).flatMap(([index, fn]) => {
    const module = isPlainMap(fn.meta) ? fn.meta.module : undefined;
    if (typeof module !== 'string' || path.isAbsolute(module)) return [];
    const message = `the controller has no file ${quote(module)}; submit with kflow, which sends the code itself, or name a module of the image by its absolute path`;
    return [problem(source, { code: 'setting-invalid', at: ['dag', index, 'meta', 'module'], message })];
  });
}

function problem(
  source: DocumentSource,
  { code, at, message }: { readonly code: Problem['code']; readonly at: DocumentPath; readonly message: string },
): Problem {
  return { severity: 'error', code, ...source.positionOf(at), path: formatPath(at), message };
}
