import { parseDocument } from 'yaml';
import { renderWorkloads, specHash } from '../../../lib/constructs/controlled-flow';
import { ConfigError, StateError } from '../../../lib/errors';
import { checkUpdate } from '../../../lib/topology/check-update';
import { nearestName } from '../../../lib/topology/nearest-name';
import { TopologyError } from '../../../lib/topology/problem';
import { summarizeUpdate } from '../../../lib/topology/summarize-update';
import type { Topology } from '../../../lib/topology/topology';
import type { UpdateDifference } from '../../../lib/topology/update-difference';
import type { PodSettings } from '../activities/apply-flow';
import { readFlowDocument } from '../documents/read-flow-document';
import { updateProblems } from '../documents/update-problems';
import type { FlowPlanner } from '../flow-planner';
import { type FlowKey, flowName } from '../ports/flow-key';
import type { FlowStore } from '../ports/flow-store';

export interface DocumentDeskProps {
  readonly store: FlowStore;
  readonly planner: FlowPlanner;
  readonly pods: PodSettings;
  /** Throws ConfigError for a topology that this cluster cannot run. */
  readonly assertRunnable: (topology: Topology) => void;
}

/** A document that may be run. */
export interface AcceptedDocument {
  readonly topology: Topology;
  readonly digest: string;
}

/** Reads, checks and keeps what is submitted: whatever can be known before something runs is said here. */
export class DocumentDesk {
  constructor(private readonly props: DocumentDeskProps) {}

  /** Throws TopologyError with every problem, and ConfigError for what this controller or its cluster lacks. */
  async accept(flow: FlowKey, text: string): Promise<AcceptedDocument> {
    const { store, planner, pods, assertRunnable } = this.props;
    const topology = readFlowDocument(text, flow);
    assertRunnable(topology);
    const plan = planner.planOf(topology);
    const hashes = Object.fromEntries(plan.workloads.map((workload) => [workload.function, specHash(workload)]));
    renderWorkloads(plan, { ...pods, hashes });
    return { topology, digest: await store.putDocument(flow, text) };
  }

  /** Gives the functions that an update is about. Throws TopologyError with every difference that it may not make. */
  async assertUpdate(flow: FlowKey, from: string, text: string): Promise<readonly string[]> {
    const before = await this.props.planner.topology(flow, from);
    const after = readFlowDocument(text, flow);
    const differences = checkUpdate(before, after);
    if (differences.length > 0) throw new TopologyError(updateProblems(text, differences));
    return summarizeUpdate(before, after).updated;
  }

  /**
   * What was kept goes on only with a document that fits it: throws StateError `flow-exists` with every difference that no
   * update could make.
   */
  async assertContinues(flow: FlowKey, from: string, topology: Topology): Promise<void> {
    const before = await this.props.planner.topology(flow, from);
    // whoever stops a flow and submits it again has no need to allow updates
    const allowed = { ...topology, dag: topology.dag.map((fn) => ({ ...fn, meta: { ...fn.meta, update: true } })) };
    const differences = checkUpdate(before, allowed).filter(isNoControl);
    if (differences.length === 0) return;
    const told = differences.map(({ path, message }) => `${path}: ${message}`).join('\n');
    const what = 'is there with another document, and its streams would not fit this one';
    throw new StateError(
      'flow-exists',
      `${flowName(flow)} ${what}; delete it first (force=true), or submit:\n${told}`,
      {
        where: flowName(flow),
      },
    );
  }

  /** The text with other numbers of replicas; everything else stays as it is written. Throws ConfigError. */
  withParallelism(text: string, replicas: { readonly [functionId: string]: number }): string {
    const document = parseDocument(text);
    const { dag } = document.toJS() as { readonly dag: readonly { readonly id: string }[] };
    assertFunctions(
      dag.map(({ id }) => id),
      Object.keys(replicas),
    );
    dag.forEach(({ id }, index) => {
      const number = replicas[id];
      if (number !== undefined) document.setIn(['dag', index, 'parallelism'], number);
    });
    return text.trimStart().startsWith('{') ? JSON.stringify(document.toJS(), null, 2) : document.toString();
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
  throw new ConfigError('edge-unknown', `${told.join('; ')}; it has ${known.join(', ')}`);
}

function isNoControl({ path }: UpdateDifference): boolean {
  return !/\.meta\.(update|pause|updatePolicy|restart)$/.test(path);
}
