import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import { renderWorkloads, specHash } from '../../../../lib/constructs/controlled-flow';
import { ConfigError } from '../../../../lib/errors';
import type { Purpose } from '../../../../lib/topology/document/purpose';
import type { Topology } from '../../../../lib/topology/document/topology';
import { nearestName } from '../../../../lib/topology/problem/nearest-name';
import { type Problem, TopologyError } from '../../../../lib/topology/problem/problem';
import { editText } from '../../../../lib/topology/read/edit-text';
import { parseDocument } from '../../../../lib/topology/read/parse-document';
import { checkUpdate } from '../../../../lib/topology/update/check-update';
import { summarizeUpdate, type UpdateSummary } from '../../../../lib/topology/update/summarize-update';
import type { UpdateDifference } from '../../../../lib/topology/update/update-difference';
import type { FlowKey } from '../../../api-contract/flow-key';
import type { PodSettings } from '../activities/apply-flow';
import type { FlowPlanner } from '../documents/flow-planner';
import { checkFlowDocument, documentName, readFlowDocument, updateProblems } from '../documents/read-flow-document';
import type { FlowStore } from '../ports/flow-store';

export interface DocumentDeskProps {
  readonly store: FlowStore;
  readonly planner: FlowPlanner;
  readonly pods: PodSettings;
  /** Throws ConfigError for a topology that this cluster cannot run. */
  readonly assertRunnable: (topology: Topology) => void;
  /** `run` on this machine, else `controller`: what is warned of. */
  readonly purpose: Purpose;
}

/** What is known of a document that was accepted once. */
interface Draft {
  readonly dag: readonly { readonly id: string }[];
}

/** A document that may be run. */
export interface AcceptedDocument {
  readonly topology: Topology;
  readonly digest: string;
  readonly warnings: readonly Problem[];
}

/** Reads, checks and keeps what is submitted: whatever can be known before something runs is said here. */
export class DocumentDesk {
  constructor(private readonly props: DocumentDeskProps) {}

  /** Throws TopologyError with every problem, and ConfigError for what this controller or its cluster lacks. */
  async accept(flow: FlowKey, text: string): Promise<AcceptedDocument> {
    const { store, planner, pods, assertRunnable, purpose } = this.props;
    const { topology, warnings } = checkFlowDocument(text, flow, purpose);
    assertRunnable(topology);
    const plan = planner.planOf(topology);
    const hashes = Object.fromEntries(plan.workloads.map((workload) => [workload.function, specHash(workload)]));
    renderWorkloads(plan, { ...pods, hashes });
    return { topology, digest: await store.putDocument(flow, text), warnings };
  }

  /** The digest of what was accepted; `known`, if that document says the same in other words. */
  async digestOf(flow: FlowKey, { topology, digest }: AcceptedDocument, known: string): Promise<string> {
    if (digest === known) return known;
    return isDeepStrictEqual(topology, await this.props.planner.topology(flow, known)) ? known : digest;
  }

  /**
   * Gives the functions that an update is about, and of those the ones that it has read anew. Throws TopologyError with
   * every difference that it may not make.
   */
  async assertUpdate(flow: FlowKey, from: string, text: string): Promise<Pick<UpdateSummary, 'updated' | 'dropped'>> {
    const before = await this.props.planner.topology(flow, from);
    const after = readFlowDocument(text, flow);
    const differences = checkUpdate(before, after);
    if (differences.length > 0) throw new TopologyError(updateProblems(text, differences));
    return summarizeUpdate(before, after);
  }

  /** What was kept goes on only with a document that fits it: throws TopologyError with every difference that no update could make. */
  async assertContinues(flow: FlowKey, from: string, text: string): Promise<void> {
    const before = await this.props.planner.topology(flow, from);
    const topology = readFlowDocument(text, flow);
    // whoever stops a flow and submits it again has no need to allow updates
    const allowed = { ...topology, dag: topology.dag.map((fn) => ({ ...fn, meta: { ...fn.meta, update: true } })) };
    const differences = checkUpdate(before, allowed).filter(isNoControl);
    if (differences.length > 0) throw new TopologyError(updateProblems(text, differences));
  }

  /** The text with other numbers of replicas; everything else stays as it is written. Throws ConfigError. */
  withParallelism(text: string, replicas: { readonly [functionId: string]: number }): string {
    const document = parseDocument(text, documentName).source?.value as Draft;
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

/** Throws ConfigError that names every function which is not there. */
export function assertFunctions(known: readonly string[], asked: readonly string[]): void {
  const unknown = asked.filter((id) => !known.includes(id));
  if (unknown.length === 0) return;
  const told = unknown.map((id) => {
    const nearest = nearestName(id, known);
    return `no function has the id "${id}"${nearest === undefined ? '' : `; did you mean "${nearest}"?`}`;
  });
  const text = told.join('; ');
  throw new ConfigError('edge-unknown', `${text}${text.endsWith('?') ? ' It' : '; it'} has ${known.join(', ')}`);
}

function isNoControl({ path }: UpdateDifference): boolean {
  return !/\.meta\.(update|pause|updatePolicy|restart)$/.test(path);
}
