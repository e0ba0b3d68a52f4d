import type { FlowFunction, Topology } from '../topology/document/topology';
import { descriptorOf, kindOf } from '../topology/function-types/function-type';
import type { PlannedBucket, PlannedDevStore, PlannedSteps } from './flow-plan';
import { devStorePrefix } from './names';

/** A function of the document, with the buckets of its plan. */
export interface FunctionBuckets {
  readonly fn: FlowFunction;
  readonly buckets: readonly PlannedBucket[];
}

/** The folders of a flow that runs step by step; undefined for other flows, and without a process. */
export function planDevStore(topology: Topology, planned: readonly FunctionBuckets[]): PlannedDevStore | undefined {
  const bucket = planned.flatMap(({ buckets }) => buckets).find(({ role }) => role === 'dev-store');
  if (bucket === undefined) return undefined;
  const sources = planned
    .filter(({ fn }) => kindOf(fn.type) === 'source')
    .map(({ fn, buckets }) => {
      const listed = buckets.find(({ role }) => role === 'source');
      return {
        function: fn.id,
        ...(listed === undefined ? {} : { listed: { topics: fn.topics ?? '', bucket: listed } }),
      };
    });
  const processes = topology.dag.filter(isProcess);
  return {
    bucket,
    functions: processes.map((fn) => ({
      function: fn.id,
      ...stepFolders(topology, fn.id),
      next: nextOf(topology, fn),
    })),
    sources,
  };
}

/** The folders of a function, as prefixes of keys. */
export function stepFolders(
  topology: Topology,
  functionId: string,
): { readonly inDir: string; readonly outDir: string } {
  const prefix = devStorePrefix(topology, functionId);
  return { inDir: `${prefix}in/`, outDir: `${prefix}out/` };
}

/** Whether a source that lists objects writes to the function. */
export function isFedWithObjects(sources: readonly FlowFunction[]): boolean {
  return sources.some(({ type }) => {
    const { kind, connectsTo } = descriptorOf(type);
    return kind === 'source' && connectsTo === 'object-store';
  });
}

function isProcess({ type }: FlowFunction): boolean {
  return kindOf(type) === 'process';
}

function nextOf({ dag }: Topology, { out, sideOuts }: FlowFunction): PlannedSteps['next'] {
  const isStepped = (id: string) => dag.some((fn) => fn.id === id && isProcess(fn));
  const edges = (ids: readonly string[], side?: string) =>
    [...new Set(ids)].map((id) => ({
      function: id,
      ...(side === undefined ? {} : { side }),
      isProcess: isStepped(id),
    }));
  return [...edges(out), ...sideOuts.flatMap((side) => edges(side.out, side.id))];
}
