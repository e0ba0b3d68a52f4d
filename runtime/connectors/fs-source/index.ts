import { isInLocation, parseS3Location, type S3Location } from '../../../lib/plan/s3-location';
import { pause } from '../../async/pause';
import type { Source, SourceRecord } from '../../engine/ports/source';
import type { ListedObject, ObjectStoreEndpoint, SourceConnector, SourceContext } from '../connector';
import { type Fingerprint, fingerprintOf, idTextOf, parseIdText, replicaOf } from './fingerprint';
import { compareKeys } from './key-order';
import { ListingMemory } from './listing-memory';
import { digestOf } from './listing-note';
import { type EncodeObject, objectEncoder } from './object-record';
import { PollPlan } from './poll-plan';
import type { Span } from './stretches';

/** Time between two listings in stream mode. */
const pollMs = 5_000;
const batchSize = 256;
/** Keys of a stretch: one with more is divided, and one with less is joined to the next. */
const manyKeys = 1_000;
const fewKeys = 250;
/** Polls after new objects in which their stretch is listed each time. */
const hotPolls = 60;

interface FoundObject {
  readonly object: ListedObject;
  readonly fingerprint: Fingerprint;
}

/** The keys since the last stretch, which begins where the stretch `first` does and lies in those up to `last`. */
interface Section {
  readonly first: number;
  last: number;
  keys: number;
  readonly found: FoundObject[];
}

/**
 * Lists the objects of a bucket or folder and emits one `s3list` record per object.
 *
 * I1. A version of an object is emitted once per run, or once ever with a checkpoint: as soon as its record is in the
 *     stream, the version is noted (`ListingMemory`). Until then, each listing emits its record again, with the same id.
 * I2. With several replicas, each one emits the objects whose key hashes to its index.
 * I3. When a version cannot be noted, the source fails: a restart emits its record again.
 * I4. In stream mode, the first listing is complete. Each later one is a part (`PollPlan`), and begins when the records of
 *     the one before are stored and noted.
 */
class FsSource implements Source {
  private readonly location: S3Location;
  private readonly encode: EncodeObject;
  private plan: PollPlan;
  private polls = 0;
  /** Objects of the location in the first listing, of all replicas. */
  private found = 0;
  private isListed = false;

  constructor(
    private readonly context: SourceContext<ObjectStoreEndpoint>,
    private readonly memory: ListingMemory,
  ) {
    this.location = parseS3Location(context.endpoint.topics);
    this.encode = objectEncoder(context.spec.schema, this.location);
    this.plan = new PollPlan(memory.stretches);
  }

  async *records(signal: AbortSignal): AsyncIterable<readonly SourceRecord[]> {
    for (; !signal.aborted; this.polls++) {
      this.memory.throwIfNotSaved();
      yield* this.poll(signal);
      if (signal.aborted) return;
      if (!this.isListed) this.reportFound();
      this.isListed = true;
      if (this.context.spec.mode === 'batch') return;
      await this.memory.settled(signal);
      if (this.polls === 0 && !signal.aborted) await this.memory.adopt();
      await pause(pollMs, signal);
    }
  }

  async close(): Promise<void> {
    const isWhole = await this.memory.close();
    if (isWhole && this.isListed && this.polls === 0) await this.memory.adopt();
  }

  private async *poll(signal: AbortSignal): AsyncIterable<readonly SourceRecord[]> {
    const { memory } = this;
    const whole = { after: undefined, until: undefined };
    for (const span of this.polls === 0 ? [whole] : this.plan.spans()) {
      if (memory.isOrdered) yield* this.sweep(span, signal);
    }
    if (memory.isOrdered || signal.aborted) return;
    this.found = 0;
    yield* this.listUnordered(signal);
  }

  /** Lists a span, stretch by stretch; ends early at a key that is not in order. */
  private async *sweep({ after, until: end }: Span, signal: AbortSignal): AsyncIterable<readonly SourceRecord[]> {
    const { stretches } = this.memory;
    let section = sectionAt(stretches.behind(after));
    let before = after ?? '';
    for await (const object of this.list(signal, after)) {
      const { key } = object;
      if (compareKeys(before, key) > 0) {
        await this.forgetOrder(key, signal);
        return;
      }
      if (key === before) continue; // a store that begins with the key, not behind it
      before = key;
      for (let until = stretches.at(section.last).until; isBehind(key, until); ) {
        const isEnd = until === end;
        if (isEnd || section.keys >= fewKeys) {
          yield* this.finish(section, until, signal);
          if (isEnd) return;
          section = sectionAt(section.first + 1);
        } else section.last++;
        until = stretches.at(section.last).until;
      }
      this.add(section, object);
      if (section.keys < manyKeys || key === stretches.at(section.last).until) continue;
      yield* this.finish(section, key, signal);
      section = sectionAt(section.first + 1);
    }
    section.last = stretches.count - 1;
    if (!signal.aborted) yield* this.finish(section, undefined, signal);
  }

  /** Emits what is new in a stretch that has been listed to its end. */
  private async *finish(
    { first, last, found }: Section,
    until: string | undefined,
    signal: AbortSignal,
  ): AsyncIterable<readonly SourceRecord[]> {
    const { memory, polls } = this;
    const { stretches } = memory;
    const objects = found.map(({ fingerprint }) => fingerprint);
    const stretch = stretches.at(first);
    stretch.heat = Math.max(0, stretch.heat - 1);
    stretch.listedAt = polls;
    if (first === last && stretch.until === until && stretch.digest === digestOf(objects)) return;
    const wasEmitted = await memory.emittedIn(stretches.range(first, last));
    const isFresh = ({ fingerprint }: FoundObject) => !wasEmitted(fingerprint);
    const fresh = found.filter(isFresh);
    const { made, replaced } = stretches.replace(first, last, until);
    made.listedAt = polls;
    made.heat = polls > 0 && fresh.length > 0 ? hotPolls : stretch.heat;
    const stored = memory.emit({ made, replaced, objects, fresh: fresh.map(({ fingerprint }) => fingerprint) });
    yield* this.slices(fresh, stored, signal);
  }

  private async *listUnordered(signal: AbortSignal): AsyncIterable<readonly SourceRecord[]> {
    const { memory } = this;
    let section = sectionAt(0);
    const emit = (found: readonly FoundObject[]) => {
      const fresh = found.filter(({ fingerprint }) => !memory.wasEmitted(fingerprint));
      return this.slices(fresh, memory.emitUnordered(fresh.map(({ fingerprint }) => fingerprint)), signal);
    };
    for await (const object of this.list(signal)) {
      this.add(section, object);
      if (section.keys < manyKeys) continue;
      yield* emit(section.found);
      section = sectionAt(0);
    }
    if (!signal.aborted) yield* emit(section.found);
  }

  private async forgetOrder(key: string, signal: AbortSignal): Promise<void> {
    const { bucket } = this.location;
    this.context.log(
      'WARNING',
      `the store does not list ${bucket} in the order of its keys (at ${key}): each listing is complete, and what was emitted is kept in memory`,
    );
    await this.memory.settled(signal);
    if (signal.aborted) return;
    await this.memory.forgetOrder();
    this.plan = new PollPlan(this.memory.stretches);
  }

  /** Emits the objects in slices, until the signal. */
  private async *slices(
    found: readonly FoundObject[],
    stored: (object: Fingerprint) => void,
    signal: AbortSignal,
  ): AsyncIterable<readonly SourceRecord[]> {
    const record = async ({ object, fingerprint }: FoundObject): Promise<SourceRecord> => ({
      id: this.idPrefix + idTextOf(fingerprint),
      payload: await this.encode(object),
      stored: () => stored(fingerprint),
    });
    for (let at = 0; at < found.length && !signal.aborted; at += batchSize) {
      yield await Promise.all(found.slice(at, at + batchSize).map(record));
      this.memory.throwIfNotSaved();
    }
  }

  /** The objects below the prefix of the location, until the signal. */
  private async *list(signal: AbortSignal, startAfter?: string): AsyncIterable<ListedObject> {
    const { bucket, prefix } = this.location;
    try {
      for await (const object of this.context.endpoint.store.list(bucket, prefix, { signal, startAfter })) {
        if (signal.aborted) return;
        yield object;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Adds an object to the section, if this replica emits it. */
  private add(section: Section, object: ListedObject): void {
    section.keys++;
    const isFolderMarker = object.size === 0 && object.key.endsWith('/');
    if (isFolderMarker || !isInLocation(this.location, object.key)) return;
    if (!this.isListed) this.found++;
    const fingerprint = fingerprintOf(this.location.bucket, object);
    const { spec, replica } = this.context;
    if (replicaOf(fingerprint, spec.replicas) === replica) section.found.push({ object, fingerprint }); // I2
  }

  /** A batch over no objects is usually a mistake in `topics`. */
  private reportFound(): void {
    const { log, spec, endpoint } = this.context;
    const isBatch = spec.mode === 'batch';
    if (this.found > 0) log('INFO', `found ${this.found} objects at ${endpoint.topics}`);
    else log(isBatch ? 'WARNING' : 'INFO', `no objects found at ${endpoint.topics}${isBatch ? ': 0 records' : ''}`);
  }

  private get idPrefix(): string {
    return idPrefixOf(this.context);
  }
}

export const connector: SourceConnector<ObjectStoreEndpoint> = {
  open: async (context) => {
    const { spec, replica } = context;
    parseS3Location(context.endpoint.topics);
    const idPrefix = idPrefixOf(context);
    const stored: Fingerprint[] = [];
    for (const id of await context.recentIds()) {
      const fingerprint = id.startsWith(idPrefix) ? parseIdText(id.slice(idPrefix.length)) : undefined;
      if (fingerprint !== undefined) stored.push(fingerprint);
    }
    const isMine = (object: Fingerprint) => replicaOf(object, spec.replicas) === replica;
    return new FsSource(context, await ListingMemory.open(await context.listing(spec.checkpoint), { isMine, stored }));
  },
};

/** The start of a record's message id: the source, and the run if each run emits the objects again. */
function idPrefixOf({ spec, run }: SourceContext): string {
  return `${spec.function}:${spec.checkpoint ? 'ever' : run}:`;
}

function sectionAt(index: number): Section {
  return { first: index, last: index, keys: 0, found: [] };
}

/** Whether a key comes after a stretch that ends with `until`. */
function isBehind(key: string, until: string | undefined): boolean {
  return until !== undefined && compareKeys(key, until) > 0;
}
