import { isDeepStrictEqual } from 'node:util';
import type { Manifest } from '../../../../lib/constructs/manifest';
import { type Change, objectKey } from './change';
import type { ManifestFolder } from './manifest-folder';
import type { RenderedFlow } from './render-flows';

/** What is other in a flow than in the manifests of a folder. */
export function changesAgainstFolder(flow: RenderedFlow, folder: ManifestFolder): readonly Change[] {
  const there = byKey(folder.objects(flow));
  const wanted = byKey(flow.objects);
  const changes = [...wanted].flatMap(([key, after]): Change[] => {
    const before = there.get(key);
    if (before === undefined) return [{ after }];
    return isDeepStrictEqual(before, after) ? [] : [{ before, after }];
  });
  const removed = [...there].filter(([key]) => !wanted.has(key)).map(([, before]): Change => ({ before }));
  return [...changes, ...removed];
}

function byKey(objects: readonly Manifest[]): ReadonlyMap<string, Manifest> {
  return new Map(objects.map((object) => [objectKey(object), object]));
}
