import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { S3ObjectStore } from '../../runtime/adapters/s3/object-store';
import type { FlowStatus } from '../../runtime/controller/api/schemas';
import type { Workplace } from './kflow-cli';

interface StackFile {
  readonly pid: number;
  readonly url: string;
  readonly nats: string;
  readonly temporal: string;
  readonly s3: { readonly endpoint: string; readonly user: string; readonly password: string };
}

/** How long an operation may take before it counts as stuck. */
const stuckAfterMs = 90_000;

/** The stack that `kflow up` started in a folder, by its REST API alone. */
export class RunningStack {
  private readonly store: S3ObjectStore;

  private constructor(
    readonly file: StackFile,
    private readonly folder: string,
  ) {
    const { endpoint, user, password } = file.s3;
    this.store = new S3ObjectStore({ addr: endpoint, user, password });
  }

  static async up(place: Workplace): Promise<RunningStack> {
    const { status, stdout, stderr } = await place.ran('up', '--detach');
    if (status !== 0) throw new Error(`kflow up ended with ${status}:\n${stdout}${stderr}`);
    const file = JSON.parse(readFileSync(path.join(place.folder, '.kflow/stack.json'), 'utf8')) as StackFile;
    return new RunningStack(file, place.folder);
  }

  /** Process of a part of the stack. */
  pidOf(part: 'controller' | 'temporal' | 'nats' | 's3'): number {
    return Number(readFileSync(path.join(this.folder, '.kflow/stack.data', part, 'pid'), 'utf8'));
  }

  /** Kills a part; the stack starts it again. */
  kill(part: 'controller' | 'temporal' | 'nats'): void {
    try {
      process.kill(this.pidOf(part), 'SIGKILL');
    } catch (error) {
      // ended already, and not yet started again
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  /** A request that is repeated while something behind is away, as curl --retry does. */
  async call(method: string, pathName: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const deadline = Date.now() + stuckAfterMs;
    for (;;) {
      try {
        const isText = typeof body === 'string';
        const answer = await fetch(`${this.file.url}${pathName}`, {
          method,
          signal: AbortSignal.timeout(30_000),
          ...(body === undefined
            ? {}
            : {
                headers: { 'content-type': isText ? 'application/yaml' : 'application/json' },
                body: isText ? body : JSON.stringify(body),
              }),
        });
        const text = await answer.text();
        if (answer.status !== 503 || Date.now() > deadline) {
          return {
            status: answer.status,
            body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text,
          };
        }
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
      await delay(200);
    }
  }

  async status(flow: string): Promise<FlowStatus> {
    const { status, body } = await this.call('GET', `/kflows/v1/${flow}`);
    if (status !== 200) throw new Error(`status of ${flow}: ${status} ${JSON.stringify(body)}`);
    return body as FlowStatus;
  }

  /** Waits until a flow is as it should be; throws with what it is when it does not get there. */
  async until(flow: string, what: string, isThere: (status: FlowStatus) => boolean): Promise<FlowStatus> {
    const deadline = Date.now() + stuckAfterMs;
    for (;;) {
      const status = await this.status(flow);
      if (isThere(status)) return status;
      if (Date.now() > deadline)
        throw new Error(`${flow} is stuck, wanted ${what}: ${JSON.stringify(status, null, 1)}`);
      await delay(100);
    }
  }

  /** The records that a sink has written below a bucket, in the order of their keys. */
  async records<T>(bucket: string): Promise<T[]> {
    const keys: string[] = [];
    for await (const { key } of this.store.list(bucket)) keys.push(key);
    const records: T[] = [];
    for (let at = 0; at < keys.length; at += 64) {
      const part = keys.slice(at, at + 64).map((key) => this.store.get(bucket, key));
      records.push(...(await Promise.all(part)).map((bytes) => JSON.parse(Buffer.from(bytes).toString()) as T));
    }
    return records;
  }

  async close(): Promise<void> {
    await this.store.close();
  }
}
