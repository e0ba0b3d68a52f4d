import type { AvroType } from '../avro/avro-type';
import type { Draft, DraftFunction } from '../document/draft';
import type { DraftGraph } from '../document/draft-graph';
import { partitionCount } from '../document/topology';
import { withArticle } from '../function-types/function-type';
import { nearestName } from '../problem/nearest-name';
import { quote } from '../problem/show-value';
import type { ProblemList } from '../read/problem-list';
import { type Writer, WrittenSchemas } from './written-schemas';

/** Checks that `partitionBy` names a field that can be a key, and warns where it has no effect. */
export function checkPartitions(draft: Draft, problems: ProblemList, graph: DraftGraph): void {
  const written = new WrittenSchemas(draft, graph);
  const readers = new Set<DraftFunction>();
  for (const each of draft.functions) {
    const field = each.raw.partitionBy;
    if (typeof field !== 'string') continue;
    const path = [...each.path, 'partitionBy'];
    const edges = graph.edgesFrom(each).filter(({ side }) => side === undefined);
    if (each.kind === 'sink' || each.out.length === 0) {
      const why = each.kind === 'sink' ? `${withArticle(each.type)} emits no records` : 'nobody reads the output';
      problems.warn({ code: 'setting-invalid', path, message: `"partitionBy" has no effect: ${why}` });
      continue;
    }
    const writers = new Map(edges.flatMap((edge) => written.along(edge)).map((writer) => [writer.type, writer]));
    for (const writer of writers.values()) {
      const message = keyFault(field, writer);
      if (message !== undefined) problems.add({ code: 'setting-invalid', path, message });
    }
    for (const { to } of edges) readers.add(to);
  }
  for (const each of readers) {
    for (const { to } of graph.edgesFrom(each)) readers.add(to);
    checkReader(each, draft, problems);
  }
}

function keyFault(field: string, { type, name }: Writer): string | undefined {
  if (type.kind !== 'record') return undefined;
  const found = type.fields.find((each) => each.name === field);
  if (found !== undefined && isScalar(found.type)) return undefined;
  if (found !== undefined) {
    return `the field ${quote(field)} of ${name} has an array, map or record, which cannot be a key; name a field with a single value`;
  }
  const fields = type.fields.map((each) => each.name);
  const nearest = nearestName(field, fields);
  const advice = nearest === undefined ? `it has ${fields.join(', ')}` : `did you mean "${nearest}"?`;
  return `records of ${name} have no field ${quote(field)}; ${advice}`;
}

function isScalar(type: AvroType): boolean {
  if (type.kind === 'union') return type.branches.every(isScalar);
  return type.kind === 'primitive' || type.kind === 'enum' || type.kind === 'fixed';
}

function checkReader(each: DraftFunction, draft: Draft, problems: ProblemList): void {
  const own = each.raw.parallelism;
  const parallelism = own ?? draft.root.parallelism;
  if (typeof parallelism !== 'number' || parallelism <= partitionCount) return;
  const path = own === undefined ? each.path : [...each.path, 'parallelism'];
  const message = `records with keys (partitionBy) have ${partitionCount} partitions, so ${parallelism - partitionCount} of ${parallelism} replicas will be idle`;
  problems.warn({ code: 'setting-invalid', path, message });
}
