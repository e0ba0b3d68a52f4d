import { streamName } from '../../lib/plan/names';
import { upstreamsOf } from '../../lib/topology/document/graph';
import type { Topology } from '../../lib/topology/document/topology';
import { descriptorOf, kindOf } from '../../lib/topology/function-types/function-type';
import { edgeName } from './plan-test';
import type { TestRun } from './run-plan';
import type { TestPlan } from './test-plan';

/** One thing that tests can cover: `map`, `map -> store`. */
export interface CoveredItem {
  readonly name: string;
  readonly isCovered: boolean;
}

/** What the tests of a topology have covered, in the order of the document. */
export interface Coverage {
  /** Functions that got a record, and sources with code that emitted one. */
  readonly functions: readonly CoveredItem[];
  /** Outputs and their readers: the reader got a record that a test's function, or its input, wrote there. */
  readonly edges: readonly CoveredItem[];
  /** Functions with code: an attempt failed. */
  readonly errorPaths: readonly CoveredItem[];
}

/** A test that ran. `function` is the one that gets its input. */
export interface CoveringRun {
  readonly function: string;
  readonly plan: TestPlan;
  readonly run: TestRun;
}

export function coverageOf(topology: Topology, runs: readonly CoveringRun[]): Coverage {
  const running = topology.dag.filter(({ type }) => kindOf(type) !== 'source' || descriptorOf(type).code !== 'none');
  const hasEmitted = (id: string, { plan, run }: CoveringRun) =>
    plan.functions.some(({ spec }) => spec.function === id) && (run.outputs.get(id)?.length ?? 0) > 0;
  const isRead = (id: string, stream: string, { run }: CoveringRun) => run.reads.has(`${id}<${stream}`);
  const streamsOf = (id: string) =>
    upstreamsOf(topology, id).map((output) => ({ output, stream: streamName(topology, output.from, output.side) }));
  return {
    functions: running.map(({ id, type }) => ({
      name: id,
      isCovered: runs.some(
        (each) =>
          streamsOf(id).some(({ stream }) => isRead(id, stream, each)) ||
          (kindOf(type) === 'source' && hasEmitted(id, each)),
      ),
    })),
    edges: running.flatMap(({ id }) =>
      streamsOf(id).map(({ output, stream }) => ({
        name: `${edgeName(output)} -> ${id}`,
        isCovered: runs.some((each) => {
          const isWritten =
            each.function === output.from || each.plan.functions.some(({ spec }) => spec.function === output.from);
          return isWritten && isRead(id, stream, each);
        }),
      })),
    ),
    errorPaths: running
      .filter(({ type, meta }) => kindOf(type) === 'process' && (meta.code !== undefined || meta.module !== undefined))
      .map(({ id }) => ({
        name: id,
        isCovered: runs.some(({ run }) => run.errors.some((error) => error.function === id)),
      })),
  };
}
