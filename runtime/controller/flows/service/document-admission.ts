import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import { renderWorkloads, specHash, type WorkloadSettings } from '../../../../lib/constructs/controlled-flow';
import { ConfigError } from '../../../../lib/errors';
import type { Purpose } from '../../../../lib/topology/document/draft';
import type { Topology } from '../../../../lib/topology/document/topology';
import { nearestName } from '../../../../lib/topology/problem/nearest-name';
import { type Problem, TopologyError } from '../../../../lib/topology/problem/problem';
import { editText } from '../../../../lib/topology/read/edit-text';
import { parseDocument } from '../../../../lib/topology/read/parse-document';
import { checkUpdate } from '../../../../lib/topology/update/check-update';
import { summarizeUpdate, type UpdateSummary } from '../../../../lib/topology/update/summarize-update';
import type { FlowKey } from '../../../api-contract/flow-key';
import type { FlowPlanner } from '../documents/flow-planner';
import {
  checkFlowDocument,
  documentName,
  readFlowDocument,
  serverWarnings,
  updateProblems,
} from '../documents/read-flow-document';
import type { FlowStore } from '../ports/flow-store';

export interface DocumentAdmissionProps {
  readonly store: FlowStore;
  readonly planner: FlowPlanner;
  readonly pods: WorkloadSettings;
  /** Throws ConfigError for a topology that this cluster cannot run. */
  readonly assertRunnable: (topology: Topology) => void;
  /** Decides which warnings apply: `run` for flows on this machine, else `controller`. */
  readonly purpose: Purpose;
}

/** The part of an admitted document that scaling edits. */
interface ScalableDocument {
  readonly dag: readonly { readonly id: string }[];
}

/** A document that was checked and stored. */
export interface AdmittedDocument {
  readonly topology: Topology;
  readonly digest: string;
  readonly warnings: readonly Problem[];
}

/** Checks submitted documents and stores them. Every problem that can be found before a flow runs is reported here. */
export class DocumentAdmission {
  constructor(private readonly props: DocumentAdmissionProps) {}

  /** Throws TopologyError with every problem, and ConfigError for a document that this controller cannot run. */
  async admit(flow: FlowKey, text: string): Promise<AdmittedDocument> {
    const { store, planner, pods, assertRunnable, purpose } = this.props;
    const { topology, warnings } = checkFlowDocument(text, flow, purpose);
    assertRunnable(topology);
    const notes = serverWarnings(text, await planner.settleServers(topology));
    const plan = planner.planOf(topology);
    const hashes = Object.fromEntries(plan.workloads.map((workload) => [workload.function, specHash(workload)]));
    renderWorkloads(plan, { ...pods, hashes });
    return { topology, digest: await store.putDocument(flow, text), warnings: [...warnings, ...notes] };
  }

  /** The digest of an admitted document, or `known` if both documents describe the same topology. */
  async digestOf(flow: FlowKey, { topology, digest }: AdmittedDocument, known: string): Promise<string> {
    if (digest === known) return known;
    return isDeepStrictEqual(topology, await this.props.planner.topology(flow, known)) ? known : digest;
  }

  /**
   * Returns the functions that an update changes, and those that it makes re-read their inputs. Throws TopologyError with
   * every difference that is not allowed.
   */
  async assertUpdate(flow: FlowKey, from: string, text: string): Promise<Pick<UpdateSummary, 'updated' | 'dropped'>> {
    const before = await this.props.planner.topology(flow, from);
    const after = readFlowDocument(text, flow);
    const differences = checkUpdate(before, after);
    if (differences.length > 0) throw new TopologyError(updateProblems(text, differences));
    return summarizeUpdate(before, after);
  }

  /** A stopped flow can be resumed only with a document that fits its data. Throws TopologyError with every other difference. */
  async assertResumable(flow: FlowKey, from: string, text: string): Promise<void> {
    const before = await this.props.planner.topology(flow, from);
    const topology = readFlowDocument(text, flow);
    // `meta.update` protects running replicas, and a stopped flow has none
    const allowed = { ...topology, dag: topology.dag.map((fn) => ({ ...fn, meta: { ...fn.meta, update: true } })) };
    const differences = checkUpdate(before, allowed).filter(({ path }) => !isControlField(path));
    if (differences.length > 0) throw new TopologyError(updateProblems(text, differences));
  }

  /** Sets the number of replicas of functions and keeps the rest of the text. Throws ConfigError `edge-unknown`. */
  withParallelism(text: string, replicas: { readonly [functionId: string]: number }): string {
    const document = parseDocument(text, documentName).source?.value as ScalableDocument;
    const { dag } = document;
    assertFunctions(
      dag.map(({ id }) => id),
      Object.keys(replicas),
    );
    const edits = dag.flatMap(({ id }, index) =>
      replicas[id] === undefined ? [] : [{ path: ['dag', index, 'parallelism'], value: replicas[id] }],
    );
    const scaled = () =>
      dag.map((fn) => (replicas[fn.id] === undefined ? fn : { ...fn, parallelism: replicas[fn.id] }));
    return editText(text, edits) ?? stringify({ ...document, dag: scaled() }, { aliasDuplicateObjects: false });
  }
}

/** Throws ConfigError `edge-unknown` with every id that is not a function of the flow. */
export function assertFunctions(known: readonly string[], ids: readonly string[]): void {
  const unknown = ids.filter((id) => !known.includes(id));
  if (unknown.length === 0) return;
  const faults = unknown.map((id) => {
    const nearest = nearestName(id, known);
    const advice = nearest === undefined ? `the flow has ${known.join(', ')}` : `did you mean "${nearest}"?`;
    return `no function has the id "${id}"; ${advice}`;
  });
  throw new ConfigError('edge-unknown', faults.join('\n'));
}

/** Throws ConfigError `setting-invalid` for a flow outside of the namespaces that the controller serves; default: all. */
export function assertServed({ namespace }: Pick<Topology, 'namespace'>, namespaces?: readonly string[]): void {
  if (namespaces === undefined || namespaces.includes(namespace)) return;
  const message = `namespace "${namespace}": this controller serves ${namespaces.join(', ')}; submit the flow to another controller, or add the namespace to cluster.namespaces`;
  throw new ConfigError('setting-invalid', message, { where: namespace });
}

/** Whether a field only controls how updates are carried out. */
function isControlField(path: string): boolean {
  return /\.meta\.(update|pause|updatePolicy|restart)$/.test(path);
}
