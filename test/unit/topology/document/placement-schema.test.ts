import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { knownKeysAt } from '../../../../lib/topology/document/known-keys';
import type { DocumentPath } from '../../../../lib/topology/problem/problem';

interface Field {
  readonly baseName: string;
  readonly type: string;
}

/** The modules of Kubernetes' client are ES modules, which jest cannot load; their tables are JSON. */
const models = path.join(__dirname, '../../../../node_modules/@kubernetes/client-node/dist/gen/models');

/** The fields of a type that is a map with known keys; undefined for others. */
function fieldsOf(type: string): readonly Field[] | undefined {
  const file = path.join(models, `${type}.js`);
  if (!existsSync(file)) return undefined;
  return JSON.parse(/attributeTypeMap = (\[.*?\n\]);/s.exec(readFileSync(file, 'utf8'))?.[1] ?? '');
}

/** The keys of a type of Kubernetes and of all types in it, by place. */
function keysOf(type: string, place: DocumentPath): readonly (readonly [DocumentPath, readonly string[]])[] {
  const [, item] = /^Array<(.+)>$/.exec(type) ?? [];
  if (item !== undefined) return keysOf(item, [...place, 0]);
  const fields = fieldsOf(type);
  if (fields === undefined) return [];
  const inner = fields.flatMap((field) => keysOf(field.type, [...place, field.baseName]));
  return [[place, fields.map(({ baseName }) => baseName).sort()], ...inner];
}

test.each([
  ['affinity', 'V1Affinity', 15],
  ['topologySpreadConstraints', 'Array<V1TopologySpreadConstraint>', 3],
  ['tolerations', 'Array<V1Toleration>', 1],
])('%s has the keys of Kubernetes at every depth', (field, type, least) => {
  const keys = keysOf(type, ['globalConfig', 'container', field]);
  expect(keys.length).toBeGreaterThanOrEqual(least);
  for (const [place, known] of keys) expect([place, [...knownKeysAt(place)].sort()]).toEqual([place, known]);
});
