import { ApiObject, Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import type { ResourceReference } from '../define/resolve-document';
import { isPlainMap } from '../plain-map';

/**
 * Makes a construct depend on the objects of its app that it refers to, so that they are emitted before it. Synthesis
 * fails when such an object is in another namespace, where pods cannot read it, or lacks a key. References to objects
 * outside the app stay as they are.
 */
export function requireResources(
  construct: Construct,
  references: readonly ResourceReference[],
  namespace?: string,
): void {
  if (references.length === 0) return;
  const objects = new Map<string, ApiObject>();
  for (const object of construct.node.root.node.findAll()) {
    if (ApiObject.isApiObject(object)) objects.set(`${object.kind} ${object.name}`, object);
  }
  const own = Chart.of(construct);
  for (const reference of references) {
    const object = objects.get(`${reference.kind} ${reference.name}`);
    if (object === undefined) continue;
    construct.node.addValidation({ validate: () => faultsOf(object, reference, namespace ?? own.namespace) });
    // cdk8s emits an outer chart after the charts in it
    const isOuter = object.chart !== own && own.node.scopes.includes(object.chart);
    if (!isOuter) construct.node.addDependency(object);
  }
}

function faultsOf(object: ApiObject, { kind, name, keys }: ResourceReference, namespace: string | undefined): string[] {
  const place = object.metadata.namespace;
  if (place !== undefined && namespace !== undefined && place !== namespace) {
    return [`the ${kind} "${name}" is in the namespace "${place}"; pods in "${namespace}" cannot use it`];
  }
  const { data, stringData, binaryData } = object.toJson();
  const given = [data, stringData, binaryData].flatMap((map) => (isPlainMap(map) ? Object.keys(map) : [])).sort();
  // an object without keys is filled by something in the cluster
  if (given.length === 0) return [];
  const missing = new Set(keys.filter((key) => !given.includes(key)));
  return [...missing].map((key) => `the ${kind} "${name}" has no key "${key}"; its keys are ${given.join(', ')}`);
}

/** The name of an object, given by name or as a cdk8s-plus object. */
export function nameOf(resource: string | { readonly name: string }): string {
  return typeof resource === 'string' ? resource : resource.name;
}

/** The reference to a cdk8s-plus object; none for a plain name. */
export function referenceTo(
  resource: string | Pick<ResourceReference, 'kind' | 'name'> | undefined,
  keys: readonly string[] = [],
): readonly ResourceReference[] {
  return typeof resource === 'object' ? [{ kind: resource.kind, name: resource.name, keys }] : [];
}
