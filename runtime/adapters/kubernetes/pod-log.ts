import { pause } from '../../async/pause';
import type { LogOptions } from '../../controller/ports/cluster';
import type { ApiConnection } from './api-connection';
import { refusal } from './api-refusal';
import type { ApiStream } from './api-stream';
import type { KubernetesObjects, ObjectMetadata } from './kubernetes-objects';
import type { Pod } from './pod';

/** Of the function; the others of a pod are the user's. */
const container = 'function';
/** How long the server may be away while a log is followed. */
const PATIENCE_MS = 60_000;
const POLL_MS = 500;

export interface PodLogOptions extends Omit<LogOptions, 'signal'> {
  readonly signal: AbortSignal;
}

/**
 * What a pod's function has written.
 *
 * I1. `last` is the time of the last line that was given; a connection that was lost is taken up behind it.
 * I2. A log that is followed goes on when the container starts again, and ends with the pod.
 */
export class PodLog {
  private last: string | undefined;

  constructor(
    private readonly api: ApiConnection,
    private readonly objects: KubernetesObjects,
    private readonly pod: ObjectMetadata,
  ) {}

  async *lines(options: PodLogOptions): AsyncGenerator<string, void> {
    const { follow = false, signal } = options;
    for (let deadline = Date.now() + PATIENCE_MS; !signal.aborted; await pause(POLL_MS, signal)) {
      try {
        yield* this.readOnce(options);
        if (!follow || (await this.isOver())) return;
        deadline = Date.now() + PATIENCE_MS;
      } catch (error) {
        if (signal.aborted) return;
        if (!follow || Date.now() > deadline) throw error;
      }
    }
  }

  private async *readOnce(options: PodLogOptions): AsyncGenerator<string, void> {
    const behind = this.last;
    const stream = await this.open(options);
    for await (const line of stream?.lines() ?? []) {
      const end = line.indexOf(' ');
      const time = line.slice(0, end);
      // `sinceTime` has whole seconds
      if (behind !== undefined && time <= behind) continue;
      this.last = time;
      yield line.slice(end + 1);
    }
  }

  /** Undefined when nothing was written, or nothing is left. */
  private async open({ follow, tailLines, signal }: PodLogOptions): Promise<ApiStream | undefined> {
    const { name, namespace = '' } = this.pod.metadata;
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/log`;
    const from = this.last === undefined ? { tailLines: tailLines?.toString() } : { sinceTime: this.last };
    const query = { container, timestamps: 'true', follow: follow ? 'true' : undefined, ...from };
    const stream = await this.api.stream({ method: 'GET', path, query }, { signal });
    if (stream.status === 200) return stream;
    const body = await stream.body();
    // of a pod without a node, of a container that has not started, of a pod that is gone
    if ([204, 400, 404].includes(stream.status)) return undefined;
    throw refusal({ status: stream.status, body, warnings: [] }, `read the log of Pod ${namespace}/${name}`);
  }

  private async isOver(): Promise<boolean> {
    const live = (await this.objects.read(this.pod)) as Pod | undefined;
    const phase = live?.status?.phase;
    return live?.metadata.uid !== this.pod.metadata.uid || phase === 'Succeeded' || phase === 'Failed';
  }
}
