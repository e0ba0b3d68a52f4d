import { entriesOf, isPlainMap, type PlainMap } from '../../plain-map';
import type { DocumentPath } from '../problem/problem';
import { quote } from '../problem/show-value';
import type { ProblemList } from '../read/problem-list';

/** Variables that KFlow sets. */
const reserved =
  /^KFLOW_(SPEC|NATS_(URL|CREDENTIALS|DOMAIN)|HTTP_PORT|HTTP_HOST|METRICS|REPLICA|(ADDR|DOWNLOAD|STORE|DEV|CLAIM_\d+)_(USER|PASSWORD))$/;

const sources = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'];

/** Checks the variables of a container for what Kubernetes or the runtime would reject. */
export function checkEnv(env: unknown, at: DocumentPath, problems: ProblemList): void {
  for (const [index, entry] of entriesOf(env)) {
    const path = [...at, index];
    checkName(entry, path, problems);
    checkSource(entry, path, problems);
    if (entry.name === 'KFLOW_SHUTDOWN_TIMEOUT' && entry.valueFrom !== undefined) {
      const message = 'the grace period of the pod follows from the value; write it here as "value"';
      problems.add({ code: 'setting-invalid', path: [...path, 'valueFrom'], message, at: 'key' });
    }
    if (typeof entry.value !== 'string') continue;
    if (entry.value.includes('\0')) {
      const message = 'must not contain a NUL character';
      problems.add({ code: 'setting-invalid', path: [...path, 'value'], message });
    }
    const isTime = /^\d+$/.test(entry.value) && Number(entry.value) >= 1 && Number(entry.value) <= 86_400;
    if (entry.name !== 'KFLOW_SHUTDOWN_TIMEOUT' || isTime) continue;
    const message = 'must be whole seconds, "1" to "86400"';
    problems.add({ code: 'setting-invalid', path: [...path, 'value'], message });
  }
}

function checkName({ name }: PlainMap, path: DocumentPath, problems: ProblemList): void {
  if (name === undefined) {
    problems.add({ code: 'setting-missing', path, message: 'a variable needs a name; add "name"' });
  } else if (typeof name === 'string' && !/^[A-Za-z_.-][A-Za-z0-9_.-]*$/.test(name)) {
    // the name may contain a value by mistake
    const shown = quote(name.replace(/=.*/s, '=…'));
    const message = `must be letters, digits, underscores, dots and dashes, got ${shown}`;
    problems.add({ code: 'name-invalid', path: [...path, 'name'], message });
  } else if (reserved.test(String(name))) {
    const message = `${name} is set by KFlow; remove it`;
    problems.add({ code: 'setting-invalid', path: [...path, 'name'], message });
  }
}

function checkSource({ value, valueFrom }: PlainMap, path: DocumentPath, problems: ProblemList): void {
  if (valueFrom === undefined) return;
  const at = { path: [...path, 'valueFrom'], at: 'key' as const };
  if (value !== undefined) {
    const message = 'value and valueFrom exclude each other; remove one';
    problems.add({ code: 'setting-invalid', ...at, message });
  }
  if (!isPlainMap(valueFrom)) return;
  const given = Object.keys(valueFrom);
  if (given.length === 1 && sources.includes(given[0] ?? '')) return;
  problems.add({ code: 'setting-invalid', ...at, message: `must have one of ${sources.join(', ')}` });
}
