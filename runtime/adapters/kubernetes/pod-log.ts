import { functionContainer } from '../../../lib/plan/names';
import { pause } from '../../async/pause';
import type { LogOptions } from '../../controller/ports/cluster';
import type { ApiConnection } from './api/api-connection';
import { refusal } from './api/api-refusal';
import type { ApiStream } from './api/api-stream';
import type { KubernetesObjects, ObjectMetadata } from './kubernetes-objects';
import type { Pod } from './pod';

/** How long the server may be unavailable while a log is followed. */
const MAX_OUTAGE_MS = 60_000;
const POLL_MS = 500;

export interface PodLogOptions extends Omit<LogOptions, 'signal'> {
  readonly signal: AbortSignal;
}

/**
 * The log of the function in a pod.
 *
 * I1. `last` is the timestamp of the last line returned; after a lost connection, reading resumes with the next line.
 * I2. A followed log continues when the container restarts, and ends with the pod.
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
    for (let deadline = Date.now() + MAX_OUTAGE_MS; !signal.aborted; await pause(POLL_MS, signal)) {
      try {
        yield* this.readOnce(options);
        if (!follow || (await this.isOver())) return;
        deadline = Date.now() + MAX_OUTAGE_MS;
      } catch (error) {
        if (signal.aborted) return;
        if (!follow || Date.now() > deadline) throw error;
      }
    }
  }

  private async *readOnce(options: PodLogOptions): AsyncGenerator<string, void> {
    const resumeAfter = this.last;
    const stream = await this.open(options);
    for await (const line of stream?.lines() ?? []) {
      const end = line.indexOf(' ');
      const time = line.slice(0, end);
      // `sinceTime` has a resolution of one second
      if (resumeAfter !== undefined && time <= resumeAfter) continue;
      this.last = time;
      yield line.slice(end + 1);
    }
  }

  /** Undefined if the pod has no log, or has it no more. */
  private async open({ follow, tailLines, signal }: PodLogOptions): Promise<ApiStream | undefined> {
    const { name, namespace = '' } = this.pod.metadata;
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/log`;
    const from = this.last === undefined ? { tailLines: tailLines?.toString() } : { sinceTime: this.last };
    const query = { container: functionContainer, timestamps: 'true', follow: follow ? 'true' : undefined, ...from };
    const stream = await this.api.stream({ method: 'GET', path, query }, { signal });
    if (stream.status === 200) return stream;
    const body = await stream.body();
    // a pod without a node, a container that has not started, a pod that is gone
    if ([204, 400, 404].includes(stream.status)) return undefined;
    throw refusal({ status: stream.status, body, warnings: [] }, `read the log of Pod ${namespace}/${name}`);
  }

  private async isOver(): Promise<boolean> {
    const live = (await this.objects.read(this.pod)) as Pod | undefined;
    const phase = live?.status?.phase;
    return live?.metadata.uid !== this.pod.metadata.uid || phase === 'Succeeded' || phase === 'Failed';
  }
}
