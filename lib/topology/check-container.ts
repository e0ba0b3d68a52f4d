import type { DocumentPath } from './document-path';
import type { Draft } from './draft';
import { isPlainMap } from './plain-map';
import type { ProblemList } from './problem-list';
import { quote } from './show-value';

/** Names of the parts that every pod of KFlow has; a volume of the user's may take the place of `tmp`. */
const taken = { sidecars: 'function', volumes: 'spec' } as const;

/** `meta.container`: what Kubernetes would refuse when the pods are made, or would take in another sense. */
export function checkContainer(draft: Draft, problems: ProblemList): void {
  for (const { meta, path } of draft.functions) {
    if (!isPlainMap(meta.container)) continue;
    const at = [...path, 'meta', 'container'];
    const { container } = meta;
    checkEnv(container.env, [...at, 'env'], problems);
    for (const list of ['env', 'volumes', 'sidecars']) checkUnique(container[list], [...at, list], problems);
    for (const [list, name] of Object.entries(taken))
      checkFree(container[list], { path: [...at, list], name, problems });
    checkEgress(container.egress, [...at, 'egress'], problems);
  }
}

function entriesOf(list: unknown): readonly (readonly [number, { readonly [key: string]: unknown }])[] {
  const items: readonly unknown[] = Array.isArray(list) ? list : [];
  return items.flatMap((item, index) => (isPlainMap(item) ? [[index, item] as const] : []));
}

function checkEnv(env: unknown, at: DocumentPath, problems: ProblemList): void {
  for (const [index, entry] of entriesOf(env)) {
    const path = [...at, index];
    if (entry.name === undefined) {
      problems.add({ code: 'setting-missing', path, message: 'a variable needs a name; add "name"' });
    } else if (typeof entry.name === 'string' && !/^[A-Za-z_.-][A-Za-z0-9_.-]*$/.test(entry.name)) {
      const message = `must be letters, digits, underscores, dots and dashes, got ${quote(entry.name)}`;
      problems.add({ code: 'name-invalid', path: [...path, 'name'], message });
    }
    if (entry.value === undefined || entry.valueFrom === undefined) continue;
    const message = 'value and valueFrom exclude each other; remove one';
    problems.add({ code: 'setting-invalid', path: [...path, 'valueFrom'], message, at: 'key' });
  }
}

function checkUnique(list: unknown, at: DocumentPath, problems: ProblemList): void {
  const lines = new Map<unknown, number>();
  for (const [index, { name }] of entriesOf(list)) {
    const path = [...at, index, 'name'];
    const line = lines.get(name);
    if (typeof name !== 'string') continue;
    if (line === undefined) lines.set(name, problems.lineOf(path));
    else problems.add({ code: 'id-duplicate', path, message: `${quote(name)} is there already, on line ${line}` });
  }
}

function checkFree(
  list: unknown,
  { path, name, problems }: { path: DocumentPath; name: string; problems: ProblemList },
): void {
  const found = entriesOf(list).find(([, entry]) => entry.name === name);
  if (found === undefined) return;
  const message = `"${name}" is a part that every pod of KFlow has; choose another name`;
  problems.add({ code: 'name-invalid', path: [...path, found[0], 'name'], message });
}

function checkEgress(egress: unknown, at: DocumentPath, problems: ProblemList): void {
  if (!Array.isArray(egress)) return;
  egress.forEach((address: unknown, index) => {
    if (typeof address !== 'string' || /^(\w+:\/\/)?[^\s:/]+:\d{1,5}$/.test(address)) return;
    problems.add({
      code: 'setting-invalid',
      path: [...at, index],
      message: `must be host:port, got ${quote(address)}`,
    });
  });
}
