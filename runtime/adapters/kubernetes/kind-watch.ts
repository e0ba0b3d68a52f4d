import { ConfigError, KFlowError, StoreError } from '../../../lib/errors';
import { Backoff } from '../../async/backoff';
import { pause } from '../../async/pause';
import type { KindRef } from '../../controller/ports/kubernetes-object';
import type { KubernetesObjects, ObjectMetadata, Scope } from './kubernetes-objects';

const LIMITS: WatchLimits = { watchSeconds: 60, lateMs: 15_000 };
/** The cache is current again this soon after the server has come back. */
const RETRY = { firstMs: 100, maxMs: 2_000 };

/** Receives all objects after a list, and then the change of each object. */
export interface WatchSink<T> {
  replace(objects: readonly T[]): void;
  put(object: T): void;
  remove(object: T): void;
}

export interface KindWatchOptions<T> {
  readonly kind: KindRef;
  readonly scope: Scope;
  readonly sink: WatchSink<T>;
  /** Called with the reason when a watch is interrupted and starts again. */
  readonly onTrouble: (error: KFlowError) => void;
  readonly limits?: WatchLimits;
}

export interface WatchLimits {
  /** The server ends a watch after this time, and the watch is resumed; default 60. */
  readonly watchSeconds: number;
  /** How long after that the connection is considered dead; default 15 s. */
  readonly lateMs: number;
}

interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T & { readonly code?: number; readonly message?: string };
}

/**
 * Watches the objects of one kind.
 *
 * I1. The sink has the state of the server at `version`: a list, and every later event in order.
 * I2. After the connection ends or breaks, the watch resumes at `version`; after any other error, it lists again.
 * I3. `isCurrent` is true while a watch is open, or was ended by the server a moment ago.
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

  /** Whether the sink has an object version that an apply returned, or a later one. */
  hasSeen(version: string): boolean {
    const isNumber = (text: string) => /^\d+$/.test(text);
    if (this.version === undefined || !isNumber(this.version) || !isNumber(version)) return false;
    return BigInt(this.version) >= BigInt(version);
  }

  /** Lists once, and watches until the signal is aborted. Throws if the first list fails. */
  async start(signal: AbortSignal): Promise<void> {
    await this.list();
    void this.follow(signal);
  }

  private async follow(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(RETRY);
    while (!signal.aborted) {
      const startedMs = Date.now();
      try {
        if (this.version === undefined) await this.list();
        await this.watch(signal);
      } catch (error) {
        if (!signal.aborted) this.onEnd(error);
      }
      // a watch normally lasts a minute; one that ends at once would probably do so again
      if (Date.now() - startedMs > RETRY.maxMs) backoff.reset();
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

  /** One watch, until the server ends it. Throws if the connection breaks or `version` has expired (410 Gone). */
  private async watch(signal: AbortSignal): Promise<void> {
    const { kind, scope, limits = LIMITS } = this.options;
    const { watchSeconds, lateMs } = limits;
    const query = { ...scope.query, resourceVersion: this.version, timeoutSeconds: String(watchSeconds) };
    const silenceMs = watchSeconds * 1_000 + lateMs;
    const stream = await this.objects.watch(kind, { ...scope, query }, { signal, silenceMs });
    this.isOpen = true;
    for await (const line of stream.lines()) {
      this.handle(JSON.parse(line) as WatchEvent<T>);
    }
  }

  private handle({ type, object }: WatchEvent<T>): void {
    const { kind, sink } = this.options;
    if (type === 'ERROR') {
      throw new StoreError('store-failed', `watch ${kind.kind}: ${object.message} (${object.code}); listing again`);
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
