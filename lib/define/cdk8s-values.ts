import { isPlainMap, type PlainMap } from '../plain-map';

/**
 * Objects of cdk8s and cdk8s-plus in the options of a flow, typed by the members that KFlow reads. This file does not
 * import cdk8s-plus, so programs that do not use cdk8s-plus need not install it.
 */

/** `kplus.IResource`. The document contains its name. */
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

/** `kplus.VolumeMount`; its volume is added to the pod. A ConfigMap or Secret is mounted with all its keys. */
export interface VolumeMountValue {
  readonly volume: VolumeValue | ResourceValue;
  readonly path: string;
  readonly readOnly?: boolean;
  readonly subPath?: string;
  readonly subPathExpr?: string;
  readonly propagation?: string;
}

/** Whether a value is a plain map, not an instance of a class. */
export function isPlain(value: unknown): value is PlainMap {
  if (!isPlainMap(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // maps of another realm have a different Object.prototype
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

/** cdk8s-plus renders the volumes of a pod with `_toKube`. The class has no public method that does the same. */
export function isVolume(value: unknown): value is VolumeValue & { _toKube(): object } {
  return isObject(value) && typeof value.asVolume === 'function' && typeof value._toKube === 'function';
}

/** A size in bytes, or undefined if the size is not a whole number of bytes. */
export function bytesOf(size: SizeValue): number | undefined {
  const noRounding = 2;
  const bytes = size.toKibibytes({ rounding: noRounding }) * 1024;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Converts output of cdk8s-plus to plain data: drops undefined fields and writes quantities as text. */
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
