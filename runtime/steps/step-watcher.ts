import { createHash } from 'node:crypto';
import { isTransient } from '../../lib/errors';
import type { Step } from '../api-contract/steps';
import { pause } from '../async/pause';
import type { ListedObject } from '../connectors/connector';
import type { Log } from '../engine/ports/host';
import { AbandonedStep, type StepLoop, type StepOutcome } from './step-loop';
import { findObject, objectsIn, type StepObjects, type StepPlace } from './step-objects';
import type { StepRecord, StepRecords } from './step-records';
import { getIfThere, isResultOf, readResult, versionOf, writeResult } from './step-result';

/** The records of an object, or why it has none. */
type ReadRecords = { readonly records: readonly StepRecord[] } | { readonly error: unknown };

export interface StepWatcherPorts {
  readonly function: string;
  readonly store: StepObjects;
  readonly place: StepPlace;
  readonly records: StepRecords;
  readonly loop: Pick<StepLoop, 'run' | 'free'>;
  readonly log: Log;
  /** Milliseconds that only ever advance. */
  readonly now?: () => number;
}

/** Larger objects are not read: they stand for themselves. */
const maxRecordBytes = 32 * 1024 * 1024;
const pollMs = 250;
/** In a folder where nothing has been put for a minute. */
const idlePollMs = 1_000;
const idleAfterMs = 60_000;
/** A store that rounds times to seconds may get the same content again in the second of the first time. */
const secondMs = 1_000;

/**
 * Runs a function on the objects that are put into its folder, and writes their results, with the names of the objects.
 *
 * W1. An object is run once for each time that it is put: its result names the version that was run, and is written once. An
 *     object that is put again before it is run replaces the one before.
 * W2. A watcher that is killed continues: an object without the result of its version is run again.
 * W3. A version is run when no later one can look the same: once a second is over, if the store rounds to seconds.
 * W4. The result of an object that was removed meanwhile is not written: it was dropped.
 */
export class StepWatcher {
  /** The versions that were run, by name. */
  private readonly known = new Map<string, string>();
  /** When a version was seen first, by name. */
  private readonly seen = new Map<string, { readonly version: string; readonly atMs: number }>();
  /** Versions that run, or wait for their ack. */
  private readonly running = new Map<string, Promise<void>>();
  private failure: { readonly error: unknown } | undefined;
  private lastRunAt = performance.now();
  /** How long the last listing took: a large folder is listed less often. */
  private listingMs = 0;

  constructor(private readonly ports: StepWatcherPorts) {}

  /** Runs objects until `stop`. Rejects with an error of the store that a retry does not mend. */
  async watch(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        await this.scan(stop);
      } catch (error) {
        if (!isTransient(error) || (error as { detail?: { isFinal?: true } }).detail?.isFinal === true) throw error;
        this.ports.log('WARNING', `cannot read the folder, trying again: ${(error as Error).message}`);
      }
      if (this.failure !== undefined) throw this.failure.error;
      const isIdle = performance.now() - this.lastRunAt > idleAfterMs;
      await pause(Math.max(isIdle ? idlePollMs : pollMs, this.listingMs), stop);
    }
  }

  /** Runs the objects that are new, in the order in which they were put. */
  private async scan(stop: AbortSignal): Promise<void> {
    const { store, place, loop } = this.ports;
    const startedAt = performance.now();
    const found: { readonly name: string; readonly object: ListedObject }[] = [];
    for await (const each of objectsIn(store, place.bucket, place.inDir)) found.push(each);
    this.listingMs = performance.now() - startedAt;
    this.forgetOthers(new Set(found.map(({ name }) => name)));
    found.sort((one, other) => one.object.lastModifiedMs - other.object.lastModifiedMs);
    for (const { name, object } of found) {
      if (stop.aborted) return;
      if (!(await this.isNew(name, object)) || !this.isOver(name, object)) continue;
      const begun = await this.begin(name, object);
      if (begun === undefined) continue;
      this.lastRunAt = performance.now();
      const ended = begun.written.catch((error: unknown) => {
        if (!(error instanceof AbandonedStep)) this.failure ??= { error };
      });
      this.running.set(
        name,
        ended.finally(() => this.running.delete(name)),
      );
      await Promise.race([ended, loop.free(stop)]);
    }
  }

  /** Resolves when the results of all records that have ended are written. Call it when the loop has stopped. */
  async settled(): Promise<void> {
    await Promise.all(this.running.values());
    if (this.failure !== undefined) throw this.failure.error;
  }

  private async isNew(name: string, object: ListedObject): Promise<boolean> {
    if (this.running.has(name)) return false;
    const version = keyOf(object);
    if (this.known.get(name) === version) return false;
    if (this.known.has(name)) return true;
    const result = await readResult(this.ports.store, this.ports.place, name);
    if (!isResultOf(result, object)) return true;
    this.known.set(name, version); // W2
    return false;
  }

  /** W3 */
  private isOver(name: string, object: ListedObject): boolean {
    if (object.lastModifiedMs % secondMs !== 0) return true;
    const now = (this.ports.now ?? (() => performance.now()))();
    const version = keyOf(object);
    const seen = this.seen.get(name);
    if (seen?.version === version) return now - seen.atMs >= secondMs;
    this.seen.set(name, { version, atMs: now });
    return false;
  }

  private forgetOthers(names: ReadonlySet<string>): void {
    for (const name of [...this.known.keys(), ...this.seen.keys()]) {
      if (names.has(name)) continue;
      this.known.delete(name);
      this.seen.delete(name);
    }
  }

  /** Hands the records of an object to the function; undefined if another version has taken its place: the next listing shows it. */
  private async begin(name: string, object: ListedObject): Promise<{ readonly written: Promise<void> } | undefined> {
    const { store, place } = this.ports;
    const isLarge = object.size > maxRecordBytes;
    const content = isLarge ? undefined : await getIfThere(store, place.bucket, object.key);
    if (!isLarge && (content === undefined || !isContentOf(object, content))) return undefined;
    return { written: this.run(name, object, this.read(content, object)) };
  }

  private async run(name: string, object: ListedObject, read: ReadRecords): Promise<void> {
    const { store, place, loop, log } = this.ports;
    const startedAt = performance.now();
    const outcome = 'error' in read ? refused(read.error) : await loop.run(name, payloadsOf(read.records));
    const ms = Math.round(performance.now() - startedAt);
    const inputs = 'error' in read ? [] : read.records.map(({ json }) => json);
    const step = await this.resultOf(name, object, { inputs, outcome, ms });
    if ((await findObject(store, place.bucket, object.key)) === undefined) return; // W4
    await writeResult(store, place, step);
    this.known.set(name, keyOf(object));
    const what = `${inputs.length} in, ${outcome.outputs.length} out, run ${step.run}, ${ms} ms`;
    log('INFO', `${name}: ${step.state}${step.error === undefined ? '' : `: ${step.error}`}: ${what}`);
  }

  /** The records of the content; an object without is too large for records, and may stand for itself. */
  private read(content: Uint8Array | undefined, { key, lastModifiedMs }: ListedObject): ReadRecords {
    const { records, place } = this.ports;
    const file = { bucket: place.bucket, key, lastModifiedMs };
    try {
      return { records: content === undefined ? [records.ofFile(file)] : records.ofObject(content, file) };
    } catch (error) {
      return { error };
    }
  }

  private async resultOf(
    name: string,
    object: ListedObject,
    {
      inputs,
      outcome,
      ms,
    }: { readonly inputs: readonly unknown[]; readonly outcome: StepOutcome; readonly ms: number },
  ): Promise<Step> {
    const { store, place, function: functionId } = this.ports;
    const before = await readResult(store, place, name);
    const [first] = outcome.errors;
    return {
      function: functionId,
      name,
      state: first === undefined ? 'done' : 'failed',
      run: (before?.run ?? 0) + 1,
      object: versionOf(object),
      endedAt: new Date().toISOString(),
      ms,
      inputs: [...inputs],
      ...outcome,
      ...(first === undefined ? {} : { error: `${first.type}: ${first.message}` }),
    };
  }
}

/** Whether the content is that of the listed version. Etags of other forms than MD5 say nothing. */
function isContentOf({ size, etag }: ListedObject, content: Uint8Array): boolean {
  if (content.length !== size) return false;
  return !/^[0-9a-f]{32}$/.test(etag) || createHash('md5').update(content).digest('hex') === etag;
}

function keyOf(object: ListedObject): string {
  const { etag, at } = versionOf(object);
  return `${etag} ${at}`;
}

function payloadsOf(records: readonly StepRecord[]): readonly Uint8Array[] {
  return records.map(({ payload }) => payload);
}

/** The outcome of an object whose records no function gets. */
function refused(error: unknown): StepOutcome {
  const { name, message } = error as Error;
  return { outputs: [], sideOutputs: {}, errors: [{ record: 0, type: name, message }] };
}
