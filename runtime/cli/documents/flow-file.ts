import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import { bundleModules } from '../../../lib/constructs/bundle-modules';
import { KFlowError } from '../../../lib/errors';
import type { Mode, Topology } from '../../../lib/topology/document/topology';
import { formatProblem, type Problem } from '../../../lib/topology/problem/problem';
import { applySets, type DocumentSet, parseSet } from '../../../lib/topology/read/document-set';
import type { DocumentSource } from '../../../lib/topology/read/document-source';
import { editText, type TextEdit } from '../../../lib/topology/read/edit-text';
import { parseDocument } from '../../../lib/topology/read/parse-document';
import { resolveSetPath } from '../../../lib/topology/read/set-path';
import type { FlowKey } from '../../api-contract/flow-key';
import type { DocumentBody } from '../client/controller-connection';
import { usageError } from '../frame/exit-status';
import { type LoadedTopology, loadTopology } from './load-topology';
import { ProblemPlaces } from './problem-places';

export interface FlowFileOptions {
  readonly set: readonly string[];
  readonly namespace?: string;
}

/** A checked topology that can be sent to a controller. */
export interface FlowFile {
  /** Name of the file in messages. */
  readonly name: string;
  readonly flow: FlowKey;
  readonly mode: Mode;
  readonly body: DocumentBody;
  readonly places: ProblemPlaces;
  /** Already printed. */
  readonly warnings: readonly Problem[];
}

/**
 * Reads and checks a topology as `kflow lint` does (`-` reads stdin), and adds the code of its modules and the jobId, which
 * the controller cannot know. A complete document is sent unchanged. Prints problems to stderr; throws KFlowError when one
 * of them is an error.
 */
export function readFlowFile(file: string, { set, namespace }: FlowFileOptions): FlowFile {
  const loaded = loadTopology(file, set);
  for (const problem of loaded.problems) process.stderr.write(`${formatProblem(problem)}\n`);
  const { topology, text } = loaded;
  if (topology === undefined || text === undefined) {
    throw new KFlowError('shape', `${loaded.name} has errors; nothing was sent`);
  }
  const { source } = parseDocument(text, loaded.name);
  if (source === undefined) throw new Error(`${loaded.name} was read, and cannot be parsed`);
  assertNamed(source, file, set);
  assertNamespace(source, { name: loaded.name, topology, namespace });
  const isUnnamed = ((source.value as { readonly jobId?: unknown }).jobId ?? null) === null;
  const named = isUnnamed ? [{ path: 'jobId', value: topology.jobId }] : [];
  const sets = [...named, ...(loaded.isWorker === true ? [] : set.map(parseSet)), ...codeSets(loaded, topology)];
  const edited = sets.reduce((each, next) => applySets(each, [next]).source, source);
  const flow = { namespace: namespace ?? topology.namespace, jobId: topology.jobId };
  const places = new ProblemPlaces(edited, loaded);
  const body = bodyOf(loaded, { text, source, sets, value: edited.value });
  return { name: loaded.name, flow, mode: topology.mode, body, places, warnings: loaded.problems };
}

/** Throws CommandError for a document from stdin without a jobId, as there is no file name to derive it from. */
function assertNamed(source: DocumentSource, file: string, set: readonly string[]): void {
  const isNamed = 'jobId' in (source.value as object) || set.some((each) => each.startsWith('jobId='));
  if (file === '-' && !isNamed) throw usageError('the document on stdin has no jobId; add it, or use --set jobId=NAME');
}

/** Throws CommandError when the document and the command line name different namespaces. */
function assertNamespace(
  { value }: DocumentSource,
  { name, topology, namespace }: { readonly name: string; readonly topology: Topology; readonly namespace?: string },
): void {
  const isWritten = typeof (value as { readonly namespace?: unknown }).namespace === 'string';
  if (namespace === undefined || namespace === topology.namespace || !isWritten) return;
  const ways = `omit --namespace, or add --set namespace=${namespace}`;
  throw usageError(`--namespace ${namespace}: the namespace in ${name} is ${topology.namespace}; ${ways}`);
}

/** Replaces the paths of modules, which do not exist on another machine, by their code. */
function codeSets({ baseDir }: LoadedTopology, topology: Topology): DocumentSet[] {
  const bundled = bundleModules(topology, baseDir);
  return bundled.dag.flatMap((fn, index) => {
    const written = topology.dag[index];
    const sets: DocumentSet[] = [];
    if (fn.tasks !== written?.tasks) sets.push({ path: `dag[${index}].tasks`, value: fn.tasks });
    if (fn.meta === written?.meta) return sets;
    const { module: _module, ...own } = written?.meta.own ?? {};
    const { language, code } = fn.meta;
    return [...sets, { path: `dag[${index}].meta`, value: { ...own, language, code } }];
  });
}

interface Edit {
  readonly text: string;
  readonly source: DocumentSource;
  readonly sets: readonly DocumentSet[];
  /** The value that the edited text must have. */
  readonly value: unknown;
}

function bodyOf({ program }: LoadedTopology, { text, source, sets, value }: Edit): DocumentBody {
  if (program !== undefined) return { text: renderDocument(value), contentType: 'application/yaml' };
  const isJson = /^\s*\{/.test(text);
  if (sets.length === 0)
    return { text, contentType: isJson && isStrictJson(text) ? 'application/json' : 'application/yaml' };
  if (isJson) return { text: `${JSON.stringify(value, null, 2)}\n`, contentType: 'application/json' };
  return { text: editedText({ text, source, sets, value }) ?? renderDocument(value), contentType: 'application/yaml' };
}

/** The text with only the sets changed; undefined where an edit is impossible, as behind an alias. */
function editedText({ text, source, sets, value }: Edit): string | undefined {
  const edits: TextEdit[] = [];
  let before = source;
  for (const set of sets) {
    const target = resolveSetPath(before.value, set.path);
    if (!target.found) return undefined;
    edits.push({ path: target.path, value: set.value });
    before = applySets(before, [set]).source;
  }
  const result = editText(text, edits);
  const isSame = result !== undefined && isDeepStrictEqual(parseDocument(result, '').source?.value, value);
  return isSame ? result : undefined;
}

function isStrictJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    // YAML in braces
    return false;
  }
}

/** A document as YAML for people: code in blocks, no line folded. */
export function renderDocument(value: unknown): string {
  return stringify(value, { lineWidth: 0, blockQuote: 'literal', aliasDuplicateObjects: false });
}

/** The text of a document, YAML or JSON, as YAML for people. */
export function renderText(text: string): string {
  return renderDocument(parseDocument(text, '').source?.value ?? null);
}
