import type { ListingNotes } from '../../engine/ports/flow-state';
import { unlessAborted } from '../unless-aborted';
import type { Fingerprint } from './fingerprint';
import { decodeNote, digestOf, encodeNote, noteNameOf } from './listing-note';
import { type Stretch, Stretches } from './stretches';

/** The objects of one stretch that are emitted now, and those that were before. */
interface Emission {
  readonly made: Stretch;
  /** All of them, in the order of the listing. */
  readonly objects: readonly Fingerprint[];
  readonly fresh: readonly Fingerprint[];
  /** Stretches whose notes the new one replaces. */
  readonly replaced: readonly Stretch[];
}

/**
 * What a replica knows of the objects that it has emitted. The fingerprints are in the flow's state, in one note for each
 * stretch of the listing, and are read when a stretch has changed. In memory are a digest of each note, and what is not stored yet.
 *
 * I1. A note has an object only when its record is in the stream. Until then, and after a kill, the object counts as new.
 * I2. Notes are saved in the order of their stretches, so that a note that is made smaller loses only objects that an earlier
 *     one has.
 * I3. When a note cannot be saved, `throwIfNotSaved` throws why: a restart emits the objects again.
 * I4. A store that does not list its keys in order has no stretches: what was emitted is in memory, and notes are only added.
 */
export class ListingMemory {
  /** Objects that other notes than those of the stretches have: of another replica count, or of a kill before a note. */
  private readonly others = new Set<Fingerprint>();
  private hasOthers = false;
  private saved: Promise<void> = Promise.resolve();
  private saveError: unknown;
  private readonly releases = new Set<() => void>();

  private constructor(
    private readonly notes: ListingNotes,
    public stretches: Stretches,
    /** Whether the keys come in order (I4). */
    public isOrdered: boolean,
  ) {}

  /** `isMine` says whether this replica emits an object; `stored` are objects that are in the stream, noted or not. */
  static async open(
    notes: ListingNotes,
    { isMine, stored }: { readonly isMine: (object: Fingerprint) => boolean; readonly stored: Iterable<Fingerprint> },
  ): Promise<ListingMemory> {
    const stretches: Pick<Stretch, 'until' | 'digest'>[] = [];
    const others: Fingerprint[] = [...stored].filter(isMine);
    let [hasOthers, isOrdered] = [false, true];
    for await (const { value, isOwn } of notes.read()) {
      const { until, emitted } = decodeNote(value);
      if (isOwn && until !== '') stretches.push({ until, digest: digestOf(emitted) });
      else for (const each of emitted) if (isMine(each)) others.push(each);
      if (!isOwn) hasOthers = true;
      else if (until === '') isOrdered = false;
    }
    const memory = new ListingMemory(notes, new Stretches(stretches), isOrdered);
    for (const each of others) memory.others.add(each);
    memory.hasOthers = hasOthers;
    if (!isOrdered) await memory.forgetOrder();
    return memory;
  }

  /** The objects of stretches that were emitted. */
  async emittedIn(stretches: readonly Stretch[]): Promise<(object: Fingerprint) => boolean> {
    const emitted = new Set<Fingerprint>();
    for (const { until, digest } of stretches) {
      if (digest === undefined) continue;
      const value = await this.notes.load(noteNameOf(until));
      if (value !== undefined) for (const each of decodeNote(value).emitted) emitted.add(each);
    }
    return (object) => emitted.has(object) || this.others.has(object);
  }

  /** Whether an object was emitted, in a listing without order. */
  wasEmitted(object: Fingerprint): boolean {
    return this.others.has(object);
  }

  /** Notes a stretch when its new objects are stored. Call the returned function for each of them. */
  emit({ made, objects, fresh, replaced }: Emission): (stored: Fingerprint) => void {
    return this.whenStored(fresh, async (missing) => {
      const emitted = objects.filter((object) => !missing.has(object));
      await this.notes.save(noteNameOf(made.until), encodeNote({ until: made.until, emitted }));
      made.digest = digestOf(emitted);
      for (const { until, digest } of replaced) {
        if (until !== made.until && digest !== undefined) await this.notes.remove(noteNameOf(until));
      }
    });
  }

  /** As `emit`, for objects of a listing without order. */
  emitUnordered(fresh: readonly Fingerprint[]): (stored: Fingerprint) => void {
    return this.whenStored(fresh, async (missing) => {
      const emitted = fresh.filter((object) => !missing.has(object));
      for (const each of emitted) this.others.add(each);
      await this.notes.save(`x${digestOf(emitted)}`, encodeNote({ until: '', emitted }));
    });
  }

  /** Gives up the order, and reads every note (I4). */
  async forgetOrder(): Promise<void> {
    for await (const { value, isOwn } of this.notes.read()) {
      if (isOwn) for (const each of decodeNote(value).emitted) this.others.add(each);
    }
    this.isOrdered = false;
    this.stretches = new Stretches([]);
  }

  /** The whole listing was read, so everything that was emitted before is in the notes of stretches. */
  async adopt(): Promise<void> {
    if (!this.isOrdered) return;
    this.others.clear();
    if (this.hasOthers) await this.notes.adopted();
    this.hasOthers = false;
  }

  /** Resolves when everything emitted so far is stored and noted, or when the signal is aborted. */
  async settled(signal: AbortSignal): Promise<void> {
    await unlessAborted(this.saved, signal);
    this.throwIfNotSaved();
  }

  throwIfNotSaved(): void {
    if (this.saveError !== undefined) throw this.saveError; // I3
  }

  /** Notes what is stored, of stretches that are not stored as a whole too. Whether they all were. */
  async close(): Promise<boolean> {
    const isWhole = this.releases.size === 0;
    for (const release of this.releases) release();
    await this.saved;
    this.throwIfNotSaved();
    return isWhole;
  }

  /** Calls `save` with what is not stored: with nothing, or when the memory is closed. One after the other (I2). */
  private whenStored(
    fresh: readonly Fingerprint[],
    save: (missing: ReadonlySet<Fingerprint>) => Promise<void>,
  ): (stored: Fingerprint) => void {
    const missing = new Set(fresh);
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = () => {
        this.releases.delete(release);
        resolve();
      };
    });
    if (missing.size > 0) this.releases.add(release);
    else release();
    this.saved = Promise.all([this.saved, released]).then(async () => {
      if (this.saveError !== undefined) return;
      await save(missing).catch((error: unknown) => {
        this.saveError = error;
      });
    });
    return (stored) => {
      missing.delete(stored);
      if (missing.size === 0) release();
    };
  }
}
