import { childrenOf, entriesOf, isPlainMap, type PlainMap } from '../../plain-map';
import { isLabelName, isLabelValue } from '../document/dns-label';
import type { DocumentPath } from '../problem/problem';
import { quote } from '../problem/show-value';
import type { ProblemList } from '../read/problem-list';

/** Checks where a `container` places its pods for what Kubernetes would refuse. */
export function checkPlacement(
  { container, path }: { readonly container: PlainMap; readonly path: DocumentPath },
  problems: ProblemList,
): void {
  const refuse = (at: DocumentPath, message: string, key?: 'key') =>
    problems.add({ code: 'setting-invalid', path: [...path, ...at], message, ...(key && { at: key }) });
  for (const [index, { key, operator, value, effect, tolerationSeconds }] of entriesOf(container.tolerations)) {
    const at = ['tolerations', index];
    if (operator === 'Exists' && value !== undefined) {
      refuse([...at, 'value'], 'the operator Exists takes no value; remove it', 'key');
    }
    if ((operator === undefined || operator === 'Equal') && (key === undefined || key === '')) {
      refuse(at, 'a toleration of every taint needs "operator: Exists"; another one needs a key');
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      refuse([...at, 'tolerationSeconds'], 'needs "effect: NoExecute"', 'key');
    }
  }
  labels(container.nodeSelector, ['nodeSelector'], refuse);
  for (const key of ['affinity', 'topologySpreadConstraints']) rules(container[key], [key], refuse);
}

type Refuse = (at: DocumentPath, message: string, key?: 'key') => void;

/** Checks the rules of an affinity or of a constraint, at any depth: their keys have the same meaning everywhere but in `matchLabels`. */
function rules(value: unknown, at: DocumentPath, refuse: Refuse): void {
  if (isPlainMap(value)) {
    const { topologyKey, operator } = value;
    if (typeof topologyKey === 'string' && topologyKey !== '' && !isLabelName(topologyKey)) {
      refuse(
        [...at, 'topologyKey'],
        `must be a label of nodes, as in topology.kubernetes.io/zone, got ${quote(topologyKey)}`,
      );
    }
    if (Array.isArray(value.nodeSelectorTerms) && value.nodeSelectorTerms.length === 0) {
      refuse([...at, 'nodeSelectorTerms'], 'must have a term; without one, no node fits');
    }
    labels(value.matchLabels, [...at, 'matchLabels'], refuse);
    if (operator !== undefined) requirement(value, at, refuse);
  }
  for (const [step, inner] of childrenOf(value)) {
    // its keys are names of labels, not of settings
    if (step !== 'matchLabels') rules(inner, [...at, step], refuse);
  }
}

function requirement({ key, operator, values }: PlainMap, at: DocumentPath, refuse: Refuse): void {
  const given = Array.isArray(values) ? values : [];
  if (typeof key === 'string' && key !== '' && !isLabelName(key)) {
    refuse([...at, 'key'], `is not a valid Kubernetes label: ${quote(key)}`);
  }
  if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (given.length > 0) refuse([...at, 'values'], `the operator ${operator} takes no values; remove them`, 'key');
  } else if (operator === 'Gt' || operator === 'Lt') {
    if (given.length !== 1 || !/^-?\d+$/.test(String(given[0])))
      refuse(at, `the operator ${operator} needs one integer`);
  } else if (given.length === 0) {
    refuse(at, `the operator ${operator} needs values`);
  }
  for (const [index, value] of given.entries()) {
    // a field is the name of a node, not a label
    if (typeof value !== 'string' || isLabelValue(value) || at.includes('matchFields')) continue;
    refuse([...at, 'values', index], `is not a valid Kubernetes label: ${quote(value)}`);
  }
}

function labels(map: unknown, at: DocumentPath, refuse: Refuse): void {
  for (const [label, value] of Object.entries(isPlainMap(map) ? map : {})) {
    const isLabel = isLabelName(label);
    if (isLabel && (typeof value !== 'string' || isLabelValue(value))) continue;
    const message = `is not a valid Kubernetes label: ${quote(isLabel ? String(value) : label)}`;
    if (isLabel) refuse([...at, label], message);
    else refuse([...at, label], message, 'key');
  }
}
