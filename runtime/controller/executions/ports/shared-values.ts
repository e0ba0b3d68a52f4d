/**
 * Values that the executions of a namespace share, each changed by one at a time. Keys consist of letters, digits, `/`, `_`
 * and `-`. Throws StoreError `stream-failed` when the server refuses or does not respond.
 */
export interface SharedValues {
  /**
   * Changes a value: `change` gets the stored one and returns the next; undefined removes it. `change` may be called several
   * times, and what it returned last was stored.
   */
  change<Value, Result>(
    namespace: string,
    key: string,
    change: (value: Value | undefined) => { readonly next: Value | undefined; readonly result: Result },
  ): Promise<Result>;
  get<Value>(namespace: string, key: string): Promise<Value | undefined>;
  /** Those whose key begins so. */
  all<Value>(namespace: string, prefix: string): Promise<readonly (readonly [key: string, value: Value])[]>;
  /** Removes what is left of values that were removed some minutes ago. */
  sweep(namespace: string): Promise<void>;
}
