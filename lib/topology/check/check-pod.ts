import { childrenOf, entriesOf, type PlainMap } from '../../plain-map';
import { isDnsSubdomain, isLabelName, isLabelValue } from '../document/dns-label';
import type { DocumentPath } from '../problem/problem';
import { quote } from '../problem/show-value';
import type { ProblemList } from '../read/problem-list';

/** Labels that KFlow sets: by some of them it finds its objects. */
export const ownLabel = /^(kflow\.io\/|app\.kubernetes\.io\/(name|component|part-of|managed-by)$)/;

/** Labels that Kubernetes gives to the pods of a Job, Deployment or StatefulSet; it refuses or replaces others. */
const clusterLabel =
  /^((batch|apps|statefulset)\.kubernetes\.io\/.+|job-name|controller-uid|controller-revision-hash|pod-template-hash)$/;

const ownAnnotation = /^kflow\.io\//;

/** Checks the names of objects, labels and annotations in a `container`. */
export function checkPod(
  { container, path }: { readonly container: PlainMap; readonly path: DocumentPath },
  problems: ProblemList,
): void {
  const refuse = (at: DocumentPath, message: string, key?: 'key') =>
    problems.add({ code: 'name-invalid', path: [...path, ...at], message, ...(key && { at: key }) });
  for (const [at, name] of objectNames(container)) {
    if (typeof name !== 'string' || name === '' || isDnsSubdomain(name)) continue;
    refuse(at, `must be the name of an object: lower-case letters, digits, dashes and dots; got ${quote(name)}`);
  }
  for (const [index, { prefix, configMapRef, secretRef }] of entriesOf(container.envFrom)) {
    if (typeof prefix === 'string' && !/^[A-Za-z_.-][A-Za-z0-9_.-]*$/.test(prefix)) {
      const message = `must be letters, digits, underscores, dots and dashes, got ${quote(prefix)}`;
      refuse(['envFrom', index, 'prefix'], message);
    }
    if ((configMapRef === undefined) !== (secretRef === undefined)) continue;
    refuse(['envFrom', index], 'must have one of configMapRef and secretRef');
  }
  for (const [name, value] of childrenOf(container.podLabels)) {
    const at = ['podLabels', name];
    if (!isLabelName(String(name))) refuse(at, `is not a valid Kubernetes label: ${quote(String(name))}`, 'key');
    else if (ownLabel.test(String(name))) refuse(at, `"${name}" is set by KFlow; choose another label`, 'key');
    else if (clusterLabel.test(String(name))) refuse(at, `"${name}" is set by Kubernetes; choose another label`, 'key');
    else if (typeof value === 'string' && !isLabelValue(value)) {
      refuse(at, `is not a valid Kubernetes label: ${quote(value)}`);
    }
  }
  for (const [name] of childrenOf(container.podAnnotations)) {
    const at = ['podAnnotations', name];
    if (!isLabelName(String(name))) refuse(at, `is not a valid annotation: ${quote(String(name))}`, 'key');
    else if (ownAnnotation.test(String(name)))
      refuse(at, `"${name}" is set by KFlow; choose another annotation`, 'key');
  }
}

/** The fields that name objects of the cluster. */
function objectNames(container: PlainMap): readonly (readonly [DocumentPath, unknown])[] {
  const single = ['serviceAccountName', 'priorityClassName', 'runtimeClassName'];
  return [
    ...childrenOf(container.imagePullSecrets).map(([index, name]) => [['imagePullSecrets', index], name] as const),
    ...single.map((key) => [[key], container[key]] as const),
    ...entriesOf(container.envFrom).flatMap(([index, source]) =>
      ['configMapRef', 'secretRef'].flatMap((kind) =>
        childrenOf(source[kind])
          .filter(([key]) => key === 'name')
          .map(([key, name]) => [['envFrom', index, kind, key], name] as const),
      ),
    ),
  ];
}
