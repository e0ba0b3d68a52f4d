import { ConfigError } from '../errors';
import { entriesOf, type PlainMap } from '../plain-map';
import type { TopologyDocument } from '../topology/document/document-schema';
import { type DocumentPath, formatPath } from '../topology/problem/problem';
import * as cdk8s from './cdk8s-values';

/** A Kubernetes object that a flow refers to, with the keys that the flow reads. */
export interface ResourceReference {
  readonly kind: string;
  readonly name: string;
  readonly keys: readonly string[];
}

/** A document with all objects of cdk8s resolved, and the Kubernetes objects that the document refers to. */
export interface ResolvedDocument {
  readonly document: TopologyDocument;
  readonly references: readonly ResourceReference[];
}

/** A value with all objects of cdk8s resolved. */
export interface ResolvedValue<T> {
  readonly value: T;
  readonly references: readonly ResourceReference[];
  /** One fault for each object in a field that does not accept the object; paths are relative to the value. */
  readonly faults: readonly string[];
}

/**
 * Replaces every object of cdk8s and cdk8s-plus in a document by plain data: the name of a Secret, a quantity, the
 * source of a variable, a volume. Throws ConfigError with every object in a field that does not accept the object.
 */
export function resolveDocument(document: object): ResolvedDocument {
  const { value, references, faults } = resolveValue(document);
  if (faults.length > 0) throw new ConfigError('config-invalid', faults.join('\n'));
  return { document: value as TopologyDocument, references };
}

/** Resolves a part of a document: the fields of a function or of `globalConfig`. */
export function resolveValue<T extends object>(value: T): ResolvedValue<T> {
  const resolver = new ValueResolver();
  const resolved = resolver.resolve(value, []) as T;
  return { value: resolved, references: resolver.references, faults: resolver.faults };
}

/** `container` of a typed flow, of `globalConfig`, or of a function's `meta`. */
function isContainer(path: DocumentPath): boolean {
  return path.at(-1) === 'container' && (path.length === 1 || path.at(-2) === 'meta' || path.at(-2) === 'globalConfig');
}

/** Fields that contain a number of bytes. */
const byteFields: ReadonlySet<unknown> = new Set(['maxBytes', 'maxPayloadSize']);

/** The keys of a Secret that contain the credentials. */
const accountKeys = ['user', 'password'];

class ValueResolver {
  readonly references: ResourceReference[] = [];
  readonly faults: string[] = [];
  /** Copies of the enclosing values. A value that contains itself is copied to a value that contains itself. */
  private readonly copies = new Map<unknown, unknown>();

  resolve(value: unknown, path: DocumentPath): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (this.copies.has(value)) return this.copies.get(value);
    const resolved = this.copy(value, path);
    this.copies.delete(value);
    return resolved;
  }

  private copy(value: object, path: DocumentPath): unknown {
    if (Array.isArray(value)) {
      const list: unknown[] = [];
      this.copies.set(value, list);
      value.forEach((item: unknown, index) => {
        list.push(this.resolve(item, [...path, index]));
      });
      return list;
    }
    if (!cdk8s.isPlain(value)) return this.object(value, path);
    if (isContainer(path)) return this.container(value, path);
    const map = {};
    this.copies.set(value, map);
    for (const [key, inner] of Object.entries(value)) {
      const resolved = this.resolve(inner, [...path, key]);
      // an assignment to the key `__proto__` would set the prototype
      Object.defineProperty(map, key, { value: resolved, enumerable: true, writable: true, configurable: true });
    }
    return map;
  }

  private object(value: object, path: DocumentPath): unknown {
    if (cdk8s.isSize(value)) return this.size(value, path);
    if (cdk8s.isCpu(value) && path.at(-1) === 'cpu') return value.amount;
    if (cdk8s.isResource(value)) return this.name(value, path);
    // other objects, such as a Date, are left to JSON serialization
    if (!('node' in value) && !cdk8s.isCpu(value) && !cdk8s.isEnvVariable(value)) return value;
    return this.fault(value, path);
  }

  /** `meta.container`. The volumes of its mounts become volumes of the pod. */
  private container(container: PlainMap, path: DocumentPath): PlainMap {
    const mounted: PlainMap[] = [];
    const resolved = this.containerFields(container, path, mounted);
    const volumes = Array.isArray(resolved.volumes) ? resolved.volumes : [];
    const names = new Set(entriesOf(volumes).map(([, { name }]) => name));
    const added = new Map(mounted.filter(({ name }) => !names.has(name)).map((volume) => [volume.name, volume]));
    return added.size === 0 ? resolved : { ...resolved, volumes: [...volumes, ...added.values()] };
  }

  private containerFields(container: PlainMap, path: DocumentPath, mounted: PlainMap[]): PlainMap {
    return mapValues(container, (value, key) => {
      const at = [...path, key];
      if (!Array.isArray(value)) return this.resolve(value, at);
      const each = (resolve: (item: unknown, at: DocumentPath) => unknown) =>
        value.map((item: unknown, index) => resolve(item, [...at, index]));
      switch (key) {
        case 'env':
          return each((entry, place) => this.variable(entry, place));
        case 'volumes':
          return each((volume, place) => this.volume(volume, place));
        case 'volumeMounts':
          return each((mount, place) => this.mount(mount, place, mounted));
        case 'sidecars':
          return each((sidecar, place) =>
            cdk8s.isPlain(sidecar) ? this.containerFields(sidecar, place, mounted) : this.resolve(sidecar, place),
          );
        default:
          return this.resolve(value, at);
      }
    });
  }

  /** `{ name, value }`, whose value may be an EnvValue. */
  private variable(entry: unknown, path: DocumentPath): unknown {
    if (!cdk8s.isPlain(entry) || !cdk8s.isEnvVariable(entry.value)) return this.resolve(entry, path);
    const { value, valueFrom, ...others } = entry;
    if (valueFrom !== undefined) return this.fault(value as object, [...path, 'value']);
    const { value: text, valueFrom: source } = cdk8s.plainValue({ ...value }) as PlainMap;
    if (source === undefined) return { ...others, ...(text === undefined ? {} : { value: text }) };
    const { secretKeyRef, configMapKeyRef, resourceFieldRef } = source as { readonly [kind: string]: PlainMap };
    this.refer('Secret', secretKeyRef?.name, secretKeyRef?.optional === true ? [] : [secretKeyRef?.key]);
    this.refer('ConfigMap', configMapKeyRef?.name, configMapKeyRef?.optional === true ? [] : [configMapKeyRef?.key]);
    if (resourceFieldRef?.containerName !== undefined) {
      const message = `the container "${resourceFieldRef.containerName}" is not part of the pod; leave out the container`;
      this.faults.push(`${formatPath([...path, 'value'])}: ${message}`);
    }
    return { ...others, valueFrom: source };
  }

  /** The manifest of a volume: of a Volume, or of a ConfigMap, Secret or PersistentVolumeClaim as a volume. */
  private volume(value: unknown, path: DocumentPath): unknown {
    if (cdk8s.isVolume(value)) {
      const volume = cdk8s.plainValue(value._toKube()) as { readonly [field: string]: PlainMap };
      this.refer('ConfigMap', volume.configMap?.name, keysOf(volume.configMap));
      this.refer('Secret', volume.secret?.secretName, keysOf(volume.secret));
      this.refer('PersistentVolumeClaim', volume.persistentVolumeClaim?.claimName);
      return volume;
    }
    if (!cdk8s.isResource(value)) return this.resolve(value, path);
    const { kind, name } = value;
    const render = volumeOfKind[kind];
    if (render === undefined) return this.fault(value, path);
    this.refer(kind, name);
    const { prefix, source } = render(name);
    return { name: `${prefix}-${name}`.slice(0, 63), ...source };
  }

  /** Mounts of cdk8s-plus have a `volume`; other mounts have the name of a volume. */
  private mount(value: unknown, path: DocumentPath, mounted: PlainMap[]): unknown {
    if (!cdk8s.isPlain(value) || value.volume === undefined) return this.resolve(value, path);
    const { volume, path: mountPath, propagation, ...others } = value;
    const resolved = this.volume(volume, [...path, 'volume']);
    if (!cdk8s.isPlain(resolved)) return value;
    mounted.push(resolved);
    return cdk8s.plainValue({ name: resolved.name, mountPath, ...others, mountPropagation: propagation });
  }

  private size(size: cdk8s.SizeValue, path: DocumentPath): string | number | undefined {
    const bytes = cdk8s.bytesOf(size);
    if (bytes === undefined) {
      this.faults.push(`${formatPath(path)}: ${size.asString()} is not a whole number of bytes`);
      return undefined;
    }
    if (path.at(-1) !== 'cpu') return byteFields.has(path.at(-1)) ? bytes : size.asString();
    return this.fault(size, path);
  }

  private name(resource: cdk8s.ResourceValue, path: DocumentPath): string | undefined {
    // an item of a list stands in the field of the list
    const field = String(path.findLast((step) => typeof step === 'string'));
    if (resource.kind !== (kindOfField[field] ?? kindOfField[`${path.at(-2)}.${field}`])) {
      return this.fault(resource, path);
    }
    this.refer(resource.kind, resource.name, field === 'secret' ? accountKeys : []);
    return resource.name;
  }

  private refer(kind: string, name: unknown, keys: readonly unknown[] = []): void {
    if (typeof name === 'string') this.references.push({ kind, name, keys: keys.map(String) });
  }

  private fault(value: object, path: DocumentPath): undefined {
    const kind = cdk8s.isResource(value) ? value.kind : value.constructor.name;
    this.faults.push(`${formatPath(path)}: ${kind} is not accepted here`);
    return undefined;
  }
}

/** Fields that contain the name of an object, or fields with their parent, and the kind of the object. */
const kindOfField: { readonly [field: string]: string } = {
  secret: 'Secret',
  secretName: 'Secret',
  imagePullSecrets: 'Secret',
  serviceAccountName: 'ServiceAccount',
  'secretRef.name': 'Secret',
  'configMapRef.name': 'ConfigMap',
  'secretKeyRef.name': 'Secret',
  'configMap.name': 'ConfigMap',
  'configMapKeyRef.name': 'ConfigMap',
  claimName: 'PersistentVolumeClaim',
};

/** Kinds of objects that can be mounted without a Volume, with the volume names that cdk8s-plus would choose. */
const volumeOfKind: {
  readonly [kind: string]: (name: string) => { readonly prefix: string; readonly source: PlainMap };
} = {
  ConfigMap: (name) => ({ prefix: 'configmap', source: { configMap: { name } } }),
  Secret: (name) => ({ prefix: 'secret', source: { secret: { secretName: name } } }),
  PersistentVolumeClaim: (name) => ({ prefix: 'pvc', source: { persistentVolumeClaim: { claimName: name } } }),
};

/** The keys that a volume requires: none if the volume is optional. */
function keysOf(source: PlainMap | undefined): readonly unknown[] {
  if (source?.optional === true) return [];
  return entriesOf(source?.items).map(([, { key }]) => key);
}

function mapValues(map: PlainMap, resolve: (value: unknown, key: string) => unknown): PlainMap {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, resolve(value, key)]));
}
