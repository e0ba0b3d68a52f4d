import type { ListedObject, ObjectStore } from '../connectors/connector';

/** The methods of an object store that steps use. They reject with a KFlowError that names the bucket and the key. */
export interface StepObjects extends ObjectStore {
  get(bucket: string, key: string): Promise<Uint8Array>;
  /** Keys that do not exist are ignored. */
  delete(bucket: string, keys: readonly string[]): Promise<void>;
}

/** The folders of one function. */
export interface StepPlace {
  readonly bucket: string;
  readonly inDir: string;
  readonly outDir: string;
}

/** The object with this key; undefined if there is none. */
export async function findObject(store: StepObjects, bucket: string, key: string): Promise<ListedObject | undefined> {
  for await (const object of store.list(bucket, key)) if (object.key === key) return object;
  return undefined;
}

/** The objects of a folder with their names. What stands for a folder in it is none. */
export async function* objectsIn(
  store: StepObjects,
  bucket: string,
  folder: string,
): AsyncGenerator<{ readonly name: string; readonly object: ListedObject }> {
  for await (const object of store.list(bucket, folder)) {
    const name = object.key.slice(folder.length);
    if (name !== '' && !name.endsWith('/')) yield { name, object };
  }
}
