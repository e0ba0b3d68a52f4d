import { dnsLabel, maxLabelLength, singleDashLabel, toDnsLabel } from '../document/dns-label';
import type { Draft, DraftFunction } from '../document/draft';
import type { DocumentPath } from '../problem/problem';
import { quote } from '../problem/show-value';
import type { ProblemList } from '../read/problem-list';

/** 63 minus the 11 characters that Kubernetes appends to the names of the pods of a Deployment or Job. */
const maxWorkload = 52;

/** The subjects of tasks, `kflow.<namespace>.task.>`, would be those of a flow with this name. */
const reservedJob = 'task';

/** Checks the names that become names in Kubernetes and JetStream. */
export function checkNames(draft: Draft, problems: ProblemList): void {
  const { root, functions } = draft;
  checkLabel({ path: ['jobId'], name: root.jobId, dashes: 'single' }, problems);
  if (root.jobId === reservedJob) {
    const message = `"${reservedJob}" is the name of the subjects of task workers; choose another`;
    problems.add({ code: 'name-invalid', path: ['jobId'], message });
  }
  checkLabel({ path: ['namespace'], name: root.namespace, dashes: 'any' }, problems);
  const groups = new Map<string, DraftFunction>();
  for (const each of functions) {
    const fits = checkLabel({ path: [...each.path, 'id'], name: each.id, dashes: 'single' }, problems);
    if (fits) checkWorkloadName(each, draft, problems);
    checkGroup(each, groups, problems);
    const sides = new Map<string, number>();
    for (const side of each.sideOuts) {
      const path = [...side.path, 'id'];
      checkLabel({ path, name: side.id, dashes: 'single' }, problems);
      const line = side.id === undefined ? undefined : sides.get(side.id);
      if (line !== undefined) {
        const message = `the side output "${side.id}" is already declared on line ${line}; ids must be unique in a function`;
        problems.add({ code: 'id-duplicate', path, message });
      } else if (side.id !== undefined) sides.set(side.id, problems.lineOf(path));
    }
  }
}

interface Label {
  readonly path: DocumentPath;
  readonly name: unknown;
  readonly dashes: 'single' | 'any';
}

function checkLabel({ path, name, dashes }: Label, problems: ProblemList): boolean {
  if (typeof name !== 'string') return false;
  if (name.length > maxLabelLength) {
    const message = `${quote(name)} has ${name.length} characters; ${maxLabelLength} are allowed`;
    problems.add({ code: 'name-too-long', path, message });
    return false;
  }
  if ((dashes === 'single' ? singleDashLabel : dnsLabel).test(name)) return true;
  const single = dashes === 'single' ? 'single dashes' : 'dashes';
  const rule = `must be lower-case letters, digits and ${single}, with a letter or digit at both ends`;
  const better = toDnsLabel(name);
  const hint = better === '' ? '' : `; for example "${better}"`;
  problems.add({ code: 'name-invalid', path, message: `${rule}; got ${quote(name)}${hint}` });
  return false;
}

function checkWorkloadName({ id, path }: DraftFunction, { jobId }: Draft, problems: ProblemList): void {
  const name = `${jobId}--${id}`;
  if (name.length <= maxWorkload) return;
  const message = `the workload's name "${name}" has ${name.length} characters; ${maxWorkload} are allowed, so shorten the id or the jobId "${jobId}"`;
  problems.add({ code: 'name-too-long', path: [...path, 'id'], message });
}

function checkGroup(each: DraftFunction, groups: Map<string, DraftFunction>, problems: ProblemList): void {
  const { groupId } = each.raw;
  if (typeof groupId !== 'string') return;
  const path = [...each.path, 'groupId'];
  if (!/^[A-Za-z0-9_-]+$/.test(groupId)) {
    const message = `must be letters, digits, dashes and underscores, got ${quote(groupId)}`;
    problems.add({ code: 'name-invalid', path, message });
    return;
  }
  const first = groups.get(groupId);
  if (first === undefined) {
    groups.set(groupId, each);
    return;
  }
  const line = problems.lineOf([...first.path, 'groupId']);
  const message = `the group "${groupId}" already belongs to "${first.id}" on line ${line}; each function needs its own`;
  problems.add({ code: 'id-duplicate', path, message });
}
