import type { Draft, Purpose } from '../document/draft';
import { DraftGraph } from '../document/draft-graph';
import type { ProblemList } from '../read/problem-list';
import { checkAddresses } from './check-addresses';
import { checkAggregates } from './check-aggregates';
import { checkConnectors } from './check-connectors';
import { checkContainer } from './check-container';
import { checkGraph } from './check-graph';
import { checkImages } from './check-images';
import { checkMetaKeys } from './check-meta-keys';
import { checkNames } from './check-names';
import { checkPartitions } from './check-partitions';
import { checkEdgeSchemas, checkSchemas } from './check-schemas';
import { checkSecrets } from './check-secrets';
import { checkSettings } from './check-settings';
import { checkUnsupported } from './check-unsupported';

const checks = [
  checkGraph,
  checkNames,
  checkConnectors,
  checkSettings,
  checkContainer,
  checkImages,
  checkMetaKeys,
  checkSchemas,
  checkEdgeSchemas,
  checkAggregates,
  checkPartitions,
];

/** Runs every semantic check on the readable parts of a document. */
export function checkDraft(draft: Draft, problems: ProblemList, purpose: Purpose): void {
  const graph = new DraftGraph(draft);
  for (const check of checks) check(draft, problems, graph);
  checkUnsupported(draft, problems, purpose);
  checkSecrets(draft, problems, purpose);
  if (purpose !== 'run' && purpose !== 'controller') checkAddresses(draft, problems);
}
