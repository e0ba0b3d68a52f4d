import type { z } from 'zod';
import type { documentSchema } from '../topology/document/document-schema';
import type { MetaSetting, metaSettings } from '../topology/document/meta-setting';

type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

/** The document as a person writes it. */
export type TopologyDocument = Frozen<z.input<typeof documentSchema>>;
export type FunctionDocument = TopologyDocument['dag'][number];
export type GlobalConfigDocument = NonNullable<TopologyDocument['globalConfig']>;

/** Settings that say which code runs, and so come from `run`. */
type CodeSetting = 'name' | 'code' | 'module' | 'language';

/** A function's `meta`: KFlow's settings and the user's own keys, which reach the function as `ctx.meta`. */
export type MetaDocument = {
  readonly [K in Exclude<MetaSetting, CodeSetting>]?: Frozen<z.input<(typeof metaSettings)[K]>>;
} & { readonly [K in CodeSetting]?: never } & { readonly [key: string]: unknown };
