import { entriesOf, isPlainMap, type PlainMap } from '../../plain-map';
import type { DocumentPath } from '../problem/problem';
import { quote } from '../problem/show-value';
import type { ProblemList } from '../read/problem-list';

/** Variables that KFlow sets. */
const reserved =
  /^KFLOW_(SPEC|NATS_(URL|CREDENTIALS|DOMAIN)|HTTP_PORT|HTTP_HOST|METRICS|REPLICA(_NAME)?|(ADDR|DOWNLOAD|STORE|DEV|CLAIM_\d+)_(USER|PASSWORD))$/;

interface ValueRule {
  readonly isValid: (value: string) => boolean;
  readonly message: string;
}

function isWhole(value: string, least: number, most: number): boolean {
  return /^\d+$/.test(value) && Number(value) >= least && Number(value) <= most;
}

/** The values of variables that the runtime reads. */
const values: { readonly [name: string]: ValueRule } = {
  KFLOW_SHUTDOWN_TIMEOUT: {
    isValid: (value) => isWhole(value, 1, 86_400),
    message: 'must be whole seconds, "1" to "86400"',
  },
  KFLOW_DL_UP_PROGRESS: {
    isValid: (value) => isWhole(value, 1, 100),
    message: 'must be a whole percentage, "1" to "100"',
  },
  KFLOW_LOG_FORMAT: {
    isValid: (value) => value === 'json' || value === 'text',
    message: 'must be "json" or "text"',
  },
};

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
    const rule = typeof entry.name === 'string' && Object.hasOwn(values, entry.name) ? values[entry.name] : undefined;
    if (rule === undefined || rule.isValid(entry.value)) continue;
    problems.add({ code: 'setting-invalid', path: [...path, 'value'], message: rule.message });
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
