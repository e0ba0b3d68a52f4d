/**
 * Values of a namespace that are too large for messages and states. Throws StoreError `stream-failed` when the server refuses or
 * does not respond.
 */
export interface TaskValues {
  /**
   * The value itself, or the claim `{ $claim: { key, bytes } }` of the object that has it from now on: one whose JSON is longer
   * than that of a message may be, or than `maxInlineBytes`. Throws FunctionError `payload-too-large` above the limit.
   */
  put(namespace: string, key: string, value: unknown, maxInlineBytes?: number): Promise<unknown>;
  /** The value of an object. Throws StoreError `store-failed`, with `isFinal`, when there is none. */
  get(namespace: string, key: string): Promise<unknown>;
  /** Removes the objects whose keys begin so. */
  remove(namespace: string, prefix: string): Promise<void>;
}
