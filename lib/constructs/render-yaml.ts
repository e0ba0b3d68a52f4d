import { dump } from 'js-yaml';

/**
 * Objects as the documents of one YAML text. Read by YAML 1.1 (as Kubernetes does) and 1.2 they are the same values. The
 * library that cdk8s has for it takes three times as long, most of a synthesis.
 */
export function renderYaml(objects: readonly object[]): string {
  return objects.map((object) => dump(object, { lineWidth: -1, noRefs: true, quoteStyle: 'double' })).join('---\n');
}
