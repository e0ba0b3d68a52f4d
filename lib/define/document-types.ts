import type { z } from 'zod';
import type { documentSchema } from '../topology/document/document-schema';

export type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

/** The document as a person writes it. */
export type TopologyDocument = Frozen<z.input<typeof documentSchema>>;
export type FunctionDocument = TopologyDocument['dag'][number];
export type GlobalConfigDocument = NonNullable<TopologyDocument['globalConfig']>;
