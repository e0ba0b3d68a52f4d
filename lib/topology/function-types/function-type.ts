/** What a function may be. Adding a connector is one line here and one folder of the same name in runtime/connectors. */
export const functionTypes = {
  'fs-source': { kind: 'source', run: true },
  'raw-source': { kind: 'source', run: true },
  raw: { kind: 'process', run: true },
  's3-sink': { kind: 'sink', run: true },
  'elastic-sink': { kind: 'sink', run: false },
  'nats-sink': { kind: 'sink', run: false },
} as const satisfies Record<string, { kind: FunctionKind; run: boolean }>;

export type FunctionKind = 'source' | 'process' | 'sink';
export type FunctionType = keyof typeof functionTypes;

/** A type as a sentence has it: `an fs-source`, `a raw`. */
export function withArticle(type: string): string {
  return `${/^(fs|s3|e)/.test(type) ? 'an' : 'a'} ${type}`;
}

export function kindOf(type: FunctionType): FunctionKind {
  return functionTypes[type].kind;
}
