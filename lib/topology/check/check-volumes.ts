import { entriesOf, type PlainMap } from '../../plain-map';
import { mountFolder } from '../document/container-settings';
import type { DocumentPath } from '../problem/problem';
import { quote } from '../problem/show-value';
import type { ProblemList } from '../read/problem-list';

/** Checks the volumes of a `container`, and where the function and its sidecars mount them. */
export function checkVolumes(
  {
    container,
    path: place,
    merged,
  }: { readonly container: PlainMap; readonly path: DocumentPath; readonly merged: PlainMap },
  problems: ProblemList,
): void {
  const refuse = (at: DocumentPath, message: string, key?: 'key') =>
    problems.add({ code: 'setting-invalid', path: [...place, ...at], message, ...(key && { at: key }) });
  for (const [index, volume] of entriesOf(container.volumes)) {
    const [first, second] = Object.keys(volume).filter((key) => key !== 'name');
    if (volume.hostPath !== undefined) {
      const message = 'restricted Pod Security does not allow hostPath; use another kind of volume';
      refuse(['volumes', index, 'hostPath'], message, 'key');
    }
    if (first !== undefined && second !== undefined) {
      refuse(['volumes', index, second], `the volume is of one kind, "${first}"; remove one or the other`, 'key');
    }
  }
  const known = new Set(['spec', 'tmp', ...entriesOf(merged.volumes).map(([, { name }]) => name)]);
  const mounts = (list: unknown, at: DocumentPath, isOwn: boolean) => {
    const lines = new Map<string, number>();
    for (const [index, { name, mountPath, subPath }] of entriesOf(list)) {
      const here = [...at, index];
      if (typeof mountPath === 'string') {
        const message = isOwn ? ownFault(mountPath) : pathFault(mountPath);
        if (message !== undefined) refuse([...here, 'mountPath'], message);
        const full = mountFolder(mountPath);
        const line = lines.get(full);
        if (line === undefined) lines.set(full, problems.lineOf([...place, ...here, 'mountPath']));
        else {
          problems.add({
            code: 'id-duplicate',
            path: [...place, ...here, 'mountPath'],
            message: `${quote(mountPath)} is already used on line ${line}`,
          });
        }
      }
      if (typeof subPath === 'string' && (subPath.startsWith('/') || subPath.split('/').includes('..'))) {
        refuse([...here, 'subPath'], `must be a path below the volume, got ${quote(subPath)}`);
      }
      if (typeof name !== 'string' || known.has(name)) continue;
      refuse([...here, 'name'], `there is no volume ${quote(name)}; known here: ${[...known].join(', ')}`);
    }
  };
  mounts(container.volumeMounts, ['volumeMounts'], true);
  for (const [index, { volumeMounts }] of entriesOf(container.sidecars)) {
    mounts(volumeMounts, ['sidecars', index, 'volumeMounts'], false);
  }
}

/** A mount of the function must not hide what KFlow mounts: the spec, and the credentials of nats. */
function ownFault(mountPath: string): string | undefined {
  const full = mountFolder(mountPath);
  if (full === '/') return 'the path would hide the files of the image; choose a folder';
  if (!/^\/etc(\/kflow(\/.*)?)?$/.test(full)) return pathFault(mountPath);
  return full === '/etc'
    ? 'the path would hide /etc/kflow, where the spec of the function is; choose another'
    : 'the path is reserved for the spec of the function; choose another';
}

function pathFault(mountPath: string): string | undefined {
  const isPath = mountPath.startsWith('/') && !mountPath.includes(':') && !mountPath.split('/').includes('..');
  return isPath ? undefined : `must be an absolute path without ":" and "..", got ${quote(mountPath)}`;
}
