import { isDeepStrictEqual } from 'node:util';
import type { Manifest } from '../../../../lib/constructs/manifest';
import { type Change, objectKey } from './change';
import type { ManifestFolder } from './manifest-folder';
import type { RenderedFlow } from './render-flows';

/** How a flow differs from the manifests in a directory. */
export function changesAgainstFolder(flow: RenderedFlow, folder: ManifestFolder): readonly Change[] {
  const existing = byKey(folder.objects(flow));
  const wanted = byKey(flow.objects);
  const changes = [...wanted].flatMap(([key, after]): Change[] => {
    const before = existing.get(key);
    if (before === undefined) return [{ after }];
    return isDeepStrictEqual(before, after) ? [] : [{ before, after }];
  });
  const removed = [...existing].filter(([key]) => !wanted.has(key)).map(([, before]): Change => ({ before }));
  return [...changes, ...removed];
}

function byKey(objects: readonly Manifest[]): ReadonlyMap<string, Manifest> {
  return new Map(objects.map((object) => [objectKey(object), object]));
}
