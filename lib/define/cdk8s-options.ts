import type { z } from 'zod';
import type { Frozen, GlobalConfigDocument } from '../topology/document/document-schema';
import type { MetaSetting, metaSettings } from '../topology/document/meta-setting';
import type {
  CpuValue,
  EnvVariableValue,
  ResourceValue,
  SecretValue,
  SizeValue,
  VolumeMountValue,
  VolumeValue,
} from './cdk8s-values';

type ContainerDocument = Frozen<NonNullable<z.input<(typeof metaSettings)['container']>>>;
type ListItem<K extends keyof ContainerDocument> =
  NonNullable<ContainerDocument[K]> extends readonly (infer Item)[] ? Item : never;

interface QuantityOptions {
  readonly cpu?: string | number | CpuValue;
  readonly memory?: string | number | SizeValue;
  readonly 'ephemeral-storage'?: string | number | SizeValue;
  readonly [resource: string]: string | number | CpuValue | SizeValue | undefined;
}

type Replaced =
  | 'env'
  | 'envFrom'
  | 'resources'
  | 'volumes'
  | 'volumeMounts'
  | 'imagePullSecrets'
  | 'serviceAccountName';

interface VariableSourceOptions {
  readonly prefix?: string;
  readonly configMapRef?: { readonly name: string | ResourceValue; readonly optional?: boolean };
  readonly secretRef?: { readonly name: string | ResourceValue; readonly optional?: boolean };
}

/** `container` of a typed flow or function. */
export interface ContainerOptions extends Omit<ContainerDocument, Replaced> {
  readonly envFrom?: readonly VariableSourceOptions[];
  readonly imagePullSecrets?: readonly (string | ResourceValue)[];
  readonly serviceAccountName?: string | ResourceValue;
  readonly env?: readonly (
    | ListItem<'env'>
    | { readonly name: string; readonly value: EnvVariableValue; readonly valueFrom?: never }
  )[];
  readonly resources?: { readonly requests?: QuantityOptions; readonly limits?: QuantityOptions };
  readonly volumes?: readonly (ListItem<'volumes'> | VolumeValue | ResourceValue)[];
  readonly volumeMounts?: readonly (ListItem<'volumeMounts'> | VolumeMountValue)[];
}

type SectionOptions<T> = T extends object
  ? {
      readonly [K in keyof T]: K extends 'secret'
        ? T[K] | SecretValue
        : K extends 'maxBytes' | 'maxPayloadSize'
          ? T[K] | SizeValue
          : T[K];
    }
  : T;

/** `globalConfig` of a typed flow or function. */
export type GlobalConfigOptions = {
  readonly [Section in keyof GlobalConfigDocument]: Section extends 'container'
    ? ContainerOptions
    : SectionOptions<GlobalConfigDocument[Section]>;
};

/** Settings of the code. They come from `run`, so `meta` does not accept them. */
type CodeSetting = 'name' | 'code' | 'module' | 'language';

/** A function's `meta`: KFlow's settings and the user's own keys. The function reads its own keys from `ctx.meta`. */
export type MetaOptions = {
  readonly [K in Exclude<MetaSetting, CodeSetting | 'container'>]?: Frozen<z.input<(typeof metaSettings)[K]>>;
} & { readonly container?: ContainerOptions } & { readonly [K in CodeSetting]?: never } & {
  readonly [key: string]: unknown;
};
