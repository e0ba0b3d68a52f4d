import { KFlowError } from '../../lib/errors';
import { parseExactJson, renderExactJson } from '../../lib/topology/avro/exact-json';
import { type Step, stepSchema } from '../api-contract/steps';
import type { ListedObject } from '../connectors/connector';
import type { StepObjects, StepPlace } from './step-objects';

/** Names a version of an object. Content that is put again at another time is another version. */
export function versionOf({ etag, lastModifiedMs }: ListedObject): NonNullable<Step['object']> {
  return { etag, at: new Date(lastModifiedMs).toISOString() };
}

/** Whether the result is that of this version of the object. */
export function isResultOf(result: Step | undefined, object: ListedObject): boolean {
  const { etag, at } = versionOf(object);
  return result?.object?.etag === etag && result.object.at === at;
}

/** The stored result of the object with this name; undefined without one, or if somebody put something else there. */
export async function readResult(store: StepObjects, place: StepPlace, name: string): Promise<Step | undefined> {
  const bytes = await getIfThere(store, place.bucket, place.outDir + name);
  return bytes === undefined ? undefined : parseResult(bytes);
}

/** The result in the content of an object; undefined if it is something else. */
export function parseResult(bytes: Uint8Array): Step | undefined {
  try {
    return stepSchema.safeParse(parseExactJson(Buffer.from(bytes).toString('utf8'))).data;
  } catch {
    return undefined; // no JSON: not a result
  }
}

export async function writeResult(store: StepObjects, place: StepPlace, step: Step): Promise<void> {
  const text = `${renderExactJson(step)}\n`;
  await store.put(place.bucket, place.outDir + step.name, Buffer.from(text), 'application/json');
}

/** The content of an object; undefined if it does not exist any more. */
export async function getIfThere(store: StepObjects, bucket: string, key: string): Promise<Uint8Array | undefined> {
  try {
    return await store.get(bucket, key);
  } catch (error) {
    if (error instanceof KFlowError && (error as { reason?: unknown }).reason === 'object-missing') return undefined;
    throw error;
  }
}
