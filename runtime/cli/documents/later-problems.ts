import { tryBundle } from '../../../lib/constructs/bundle-modules';
import { KFlowError } from '../../../lib/errors';
import { planFlow } from '../../../lib/plan/plan-flow';
import { type DocumentPath, formatPath, type Problem } from '../../../lib/topology/problem/problem';
import { parseDocument } from '../../../lib/topology/read/parse-document';
import { type LoadedTopology, placedIn } from './load-topology';

/**
 * What a later command refuses of a topology without errors: modules that cannot be read, as errors, and what only
 * `kflow synth` refuses, as a warning. Settings that are missing may be given later.
 */
export function laterProblems({ name, topology, text, program, baseDir }: LoadedTopology): readonly Problem[] {
  if (topology === undefined || text === undefined) return [];
  const { source } = parseDocument(text, name);
  const positionOf = (path: DocumentPath) => source?.positionOf(path) ?? { file: name, line: 1, col: 1 };
  const { bundled, faults } = tryBundle(topology, baseDir);
  const missing = faults.map(({ id, place, why: message }): Problem => {
    const path = ['dag', topology.dag.findIndex((fn) => fn.id === id), ...place, 'module'];
    return { severity: 'error', code: 'config-invalid', ...positionOf(path), path: formatPath(path), message };
  });
  const problems = [...missing, ...planProblems(bundled).map((each) => ({ ...positionOf([]), ...each }))];
  if (program === undefined) return problems;
  return problems.map((problem) => placedIn(program, problem, JSON.parse(text)));
}

function planProblems(
  topology: NonNullable<LoadedTopology['topology']>,
): readonly Omit<Problem, 'file' | 'line' | 'col'>[] {
  try {
    planFlow(topology, { hasClusterSecrets: true, beginsRuns: true });
    return [];
  } catch (error) {
    if (!(error instanceof KFlowError)) throw error;
    const { code, message } = error;
    if (code === 'setting-missing') return [];
    return [{ severity: 'warning', code, path: '', message: `kflow synth refuses this: ${message}` }];
  }
}
