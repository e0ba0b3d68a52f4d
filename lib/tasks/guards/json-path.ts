/** A compiled JSONPath: the steps from the root of the input to the values that it selects. */
export type JsonPath = readonly Selector[];

export type Selector =
  /** The values of these keys and indexes, in the order of the list. */
  | { readonly kind: 'children'; readonly keys: readonly Subscript[] }
  /** The value itself and everything below. */
  | { readonly kind: 'descent' }
  /** The value itself, if the condition holds for it. In RFC 9535, a filter tests the children instead. */
  | { readonly kind: 'filter'; readonly condition: Condition };

export type Subscript =
  | { readonly key: string }
  | { readonly index: number }
  | { readonly from?: number; readonly to?: number; readonly step?: number }
  | 'every';

export type Condition =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Condition[] }
  | { readonly kind: 'not'; readonly part: Condition }
  /** Holds if the path selects anything. */
  | { readonly kind: 'exists'; readonly path: Operand }
  /** Holds if any two values of both sides compare so. */
  | { readonly kind: 'compare'; readonly operator: Comparison; readonly left: Operand; readonly right: Operand };

export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>=';

export type Operand =
  | { readonly kind: 'path'; readonly start: 'root' | 'current'; readonly path: JsonPath }
  | { readonly kind: 'value'; readonly value: unknown };

/** Text that is no JSONPath. The offset is that in the text. */
export class JsonPathError extends Error {
  override readonly name = 'JsonPathError';

  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(message);
  }
}
