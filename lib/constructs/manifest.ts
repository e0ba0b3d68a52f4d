import { dump } from 'js-yaml';

/** A Kubernetes object, as in a manifest. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: { readonly [name: string]: string };
    readonly [key: string]: unknown;
  };
  readonly [key: string]: unknown;
}

/** A Kubernetes object without its metadata. */
export interface ManifestBody {
  readonly apiVersion: string;
  readonly kind: string;
  readonly [key: string]: unknown;
}

/**
 * Objects as the documents of one YAML text, which YAML 1.1 (Kubernetes) and 1.2 read as the same values. js-yaml takes a
 * third of the time of the library in cdk8s, which is most of a synthesis.
 */
export function renderYaml(objects: readonly object[]): string {
  return objects.map((object) => dump(object, { lineWidth: -1, noRefs: true, quoteStyle: 'double' })).join('---\n');
}
