import { isPlainMap, type PlainMap } from '../plain-map';

/**
 * Objects of cdk8s and cdk8s-plus in options of a flow, typed by the members that KFlow reads. Nothing here imports
 * cdk8s-plus: a program that does not use it need not install it.
 */

/** `kplus.IResource`: stands for its name. */
export interface ResourceValue {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
}

/** `kplus.ISecret`, created in the program or imported by its name. */
export interface SecretValue extends ResourceValue {
  envValue(key: string): EnvVariableValue;
}

/** `kplus.EnvValue`. */
export interface EnvVariableValue {
  readonly value?: unknown;
  readonly valueFrom?: unknown;
}

/** `kplus.Cpu`. */
export interface CpuValue {
  readonly amount: string;
}

/** `Size` of cdk8s. */
export interface SizeValue {
  asString(): string;
  toKibibytes(options: { readonly rounding: number }): number;
}

/** `kplus.Volume`. */
export interface VolumeValue {
  readonly name: string;
  asVolume(): object;
}

/** `kplus.VolumeMount`; the volume becomes one of the pod. ConfigMaps, Secrets and claims are volumes of all their keys. */
export interface VolumeMountValue {
  readonly volume: VolumeValue | ResourceValue;
  readonly path: string;
  readonly readOnly?: boolean;
  readonly subPath?: string;
  readonly subPathExpr?: string;
  readonly propagation?: string;
}

/** Whether a value is a map of data, not an object of a class. */
export function isPlain(value: unknown): value is PlainMap {
  if (!isPlainMap(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // the objects of another realm have another Object.prototype
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

export function isResource(value: unknown): value is ResourceValue {
  return isObject(value) && [value.apiVersion, value.kind, value.name].every((text) => typeof text === 'string');
}

export function isEnvVariable(value: unknown): value is EnvVariableValue {
  return isObject(value) && 'value' in value && 'valueFrom' in value;
}

export function isCpu(value: unknown): value is CpuValue {
  return isObject(value) && typeof value.amount === 'string';
}

export function isSize(value: unknown): value is SizeValue {
  return isObject(value) && typeof value.asString === 'function' && typeof value.toKibibytes === 'function';
}

/** cdk8s-plus renders a volume into a pod by `_toKube`; the class has no public method for this. */
export function isVolume(value: unknown): value is VolumeValue & { _toKube(): object } {
  return isObject(value) && typeof value.asVolume === 'function' && typeof value._toKube === 'function';
}

/** A size in bytes; undefined when it is not a whole number of them. */
export function bytesOf(size: SizeValue): number | undefined {
  const noRounding = 2;
  const bytes = size.toKibibytes({ rounding: noRounding }) * 1024;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The output of cdk8s-plus as plain data: without undefined fields, and with quantities as text. */
export function plainValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainValue);
  if (isObject(value)) return plainValue(value.value);
  if (!isPlainMap(value)) return value;
  const fields = Object.entries(value).map(([key, inner]) => [key, plainValue(inner)] as const);
  return Object.fromEntries(fields.filter(([, inner]) => inner !== undefined));
}

function isObject(value: unknown): value is PlainMap {
  return isPlainMap(value) && !isPlain(value);
}
