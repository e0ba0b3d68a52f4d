import { checkConnectors } from './check-connectors';
import { checkEdgeSchemas } from './check-edge-schemas';
import { checkGraph } from './check-graph';
import { checkMetaKeys } from './check-meta-keys';
import { checkNames } from './check-names';
import { checkSchemas } from './check-schemas';
import { checkSettings } from './check-settings';
import { checkUnsupported } from './check-unsupported';
import type { Draft } from './draft';
import { DraftGraph } from './draft-graph';
import type { ProblemList } from './problem-list';

const checks = [
  checkGraph,
  checkNames,
  checkConnectors,
  checkSettings,
  checkMetaKeys,
  checkSchemas,
  checkEdgeSchemas,
  checkUnsupported,
];

/** Every check of what a document means, on what of it can be read. */
export function checkDraft(draft: Draft, problems: ProblemList): void {
  const graph = new DraftGraph(draft);
  for (const check of checks) check(draft, problems, graph);
}
