import { ConfigError, KFlowError, StoreError } from '../../../lib/errors';
import { Backoff } from '../../async/backoff';
import { pause } from '../../async/pause';
import type { KindRef } from '../../controller/ports/kubernetes-object';
import type { KubernetesObjects, ObjectMetadata, Scope } from './kubernetes-objects';

const LIMITS: WatchLimits = { watchSeconds: 60, lateMs: 15_000 };
/** Whoever reads a status waits no longer than this for a server that is there again. */
const RETRY = { firstMs: 100, maxMs: 2_000 };

/** What is told of objects: all of them, or what has happened to one. */
export interface WatchSink<T> {
  replace(objects: readonly T[]): void;
  put(object: T): void;
  remove(object: T): void;
}

export interface KindWatchOptions<T> {
  readonly kind: KindRef;
  readonly scope: Scope;
  readonly sink: WatchSink<T>;
  /** Told why the watch had to begin anew. */
  readonly onTrouble: (error: KFlowError) => void;
  readonly limits?: WatchLimits;
}

export interface WatchLimits {
  /** The server ends a watch after this long, and it is taken up again; default 60. */
  readonly watchSeconds: number;
  /** How late the end may be: after that the connection is dead; default 15 s. */
  readonly lateMs: number;
}

interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T & { readonly code?: number; readonly message?: string };
}

/**
 * Objects of one kind as they change.
 *
 * I1. What is told is the state of the server at `version`: a list, and every event after it in order.
 * I2. A connection that ends or breaks is taken up at `version`; after anything else there is a list again.
 * I3. `isCurrent` holds while a watch is open, or was ended by the server a moment ago.
 */
export class KindWatch<T extends ObjectMetadata> {
  private version: string | undefined;
  private isOpen = false;

  constructor(
    private readonly objects: KubernetesObjects,
    private readonly options: KindWatchOptions<T>,
  ) {}

  get isCurrent(): boolean {
    return this.isOpen;
  }

  /** Whether what was told is as new as a version that an apply gave. */
  hasReached(version: string): boolean {
    const isNumber = (text: string) => /^\d+$/.test(text);
    if (this.version === undefined || !isNumber(this.version) || !isNumber(version)) return false;
    return BigInt(this.version) >= BigInt(version);
  }

  /** Lists once, and follows from there until the signal. Throws when the first list fails. */
  async start(signal: AbortSignal): Promise<void> {
    await this.list();
    void this.follow(signal);
  }

  private async follow(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(RETRY);
    while (!signal.aborted) {
      const begun = Date.now();
      try {
        if (this.version === undefined) await this.list();
        await this.watch(signal);
      } catch (error) {
        if (!signal.aborted) this.onEnd(error);
      }
      // the server ends a watch after a minute; one that ends at once would do so again
      if (Date.now() - begun > RETRY.maxMs) backoff.reset();
      else await pause(backoff.next(), signal);
    }
    this.isOpen = false;
  }

  private onEnd(error: unknown): void {
    const { kind, onTrouble } = this.options;
    this.isOpen = false;
    if (!isLostConnection(error)) this.version = undefined;
    const message = `watch ${kind.kind}: ${(error as Error).message}`;
    onTrouble(error instanceof KFlowError ? error : new StoreError('store-failed', message, { cause: error }));
  }

  private async list(): Promise<void> {
    const { kind, scope, sink } = this.options;
    const { items, resourceVersion } = await this.objects.snapshot<T>(kind, scope);
    this.version = resourceVersion;
    sink.replace(items);
  }

  /** One watch, to its end. Throws when it breaks, and when the server cannot go on from `version` (410 Gone). */
  private async watch(signal: AbortSignal): Promise<void> {
    const { kind, scope, limits = LIMITS } = this.options;
    const { watchSeconds, lateMs } = limits;
    const query = { ...scope.query, resourceVersion: this.version, timeoutSeconds: String(watchSeconds) };
    const silenceMs = watchSeconds * 1_000 + lateMs;
    const stream = await this.objects.watch(kind, { ...scope, query }, { signal, silenceMs });
    this.isOpen = true;
    for await (const line of stream.lines()) {
      this.take(JSON.parse(line) as WatchEvent<T>);
    }
  }

  private take({ type, object }: WatchEvent<T>): void {
    const { kind, sink } = this.options;
    if (type === 'ERROR') {
      throw new StoreError('store-failed', `watch ${kind.kind}: ${object.message} (${object.code}); it begins anew`);
    }
    this.version = object.metadata.resourceVersion ?? this.version;
    if (type === 'BOOKMARK') return;
    if (type === 'DELETED') sink.remove(object);
    else sink.put(object);
  }
}

function isLostConnection(error: unknown): boolean {
  return error instanceof ConfigError && error.code === 'server-failed';
}
