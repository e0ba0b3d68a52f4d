/**
 * Objects of the controller's object store, by `s3://bucket/key`. Throws ConfigError `config-invalid` for another URI, and for a
 * bucket, an object or rights that are missing; `setting-missing` if the controller has no object store; StoreError
 * `store-failed` while the store does not respond.
 */
export interface StoredObjects {
  get(uri: string): Promise<string>;
  put(uri: string, text: string, contentType: string): Promise<void>;
}
