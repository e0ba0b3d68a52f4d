import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { NatsConnection } from 'nats';
import { resultSubject } from '../../lib/plan/task-names';
import { DerivedKeys } from '../../runtime/adapters/nats-accounts/derived-keys';
import { OperatorAccounts } from '../../runtime/adapters/nats-accounts/operator-accounts';
import { S3ObjectStore } from '../../runtime/adapters/s3/object-store';
import type { FlowStatus } from '../../runtime/api-contract/flow-status';
import type { TaskResult } from '../../runtime/api-contract/task-message';
import { readKeyFile } from '../../runtime/installation/key-file';
import { closeAfterFile } from './close-after-file';
import { freePort } from './free-port';
import type { Workplace } from './kflow-cli';

interface StackFile {
  readonly pid: number;
  readonly url: string;
  readonly nats: string;
  readonly temporal: string;
  readonly s3: { readonly endpoint: string; readonly user: string; readonly password: string };
}

/** A flow without progress for so long is stuck. */
const stuckAfterMs = 90_000;

/** The stack that `kflow up` started in a folder, used through its REST API alone. */
export class RunningStack {
  readonly close = closeAfterFile('connections to a stack', async () => {
    for (const connection of this.connections.values()) await (await connection).close();
    await (await this.accounts)?.close();
    await this.store.close();
  });
  private readonly store: S3ObjectStore;
  private readonly connections = new Map<string, Promise<NatsConnection>>();
  private accounts: Promise<OperatorAccounts> | undefined;

  private constructor(
    readonly file: StackFile,
    private readonly folder: string,
  ) {
    const { endpoint, user, password } = file.s3;
    this.store = new S3ObjectStore({ addr: endpoint, user, password });
  }

  /** Uses a port of its own: another test's stack could take the default port while this controller restarts. */
  static async up(place: Workplace): Promise<RunningStack> {
    const { status, stdout, stderr } = await place.ran('up', '--detach', '--port', String(await freePort()));
    if (status !== 0) throw new Error(`kflow up ended with ${status}:\n${stdout}${stderr}`);
    const file = JSON.parse(readFileSync(path.join(place.folder, '.kflow/stack.json'), 'utf8')) as StackFile;
    return new RunningStack(file, place.folder);
  }

  /** Process id of a part of the stack. */
  pidOf(part: 'controller' | 'temporal' | 'nats' | 's3'): number {
    return Number(readFileSync(path.join(this.folder, '.kflow/stack.data', part, 'pid'), 'utf8'));
  }

  /** Kills a part, which the stack restarts. */
  kill(part: 'controller' | 'temporal' | 'nats'): void {
    killProcess(this.pidOf(part));
  }

  /** Kills a replica of a function if one runs; the stack restarts it. */
  killReplica(flow: string, functionId: string): void {
    const [pid] = this.pidsOf(flow)[functionId] ?? [];
    if (pid !== undefined) killProcess(pid);
  }

  /** Sends a request, and retries it on connection errors and 503, as curl --retry does. */
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

  /** Waits until the status of a flow meets a condition; throws with the last status when nothing moves for 90 s. */
  async until(flow: string, what: string, isThere: (status: FlowStatus) => boolean): Promise<FlowStatus> {
    let deadline = 0;
    let mostReady = 0;
    for (let before = ''; ; await delay(100)) {
      const status = await this.status(flow);
      if (isThere(status)) return status;
      // replicas that start are a move, replicas that start again and again are none
      mostReady = Math.max(
        mostReady,
        status.functions.reduce((sum, fn) => sum + fn.ready, 0),
      );
      const moved = JSON.stringify([mostReady, status.functions.map((fn) => [fn.in, fn.out, fn.isDone])]);
      if (moved !== before) deadline = Date.now() + stuckAfterMs;
      before = moved;
      if (Date.now() > deadline) throw new Error(`${flow} is stuck, wanted ${what}: ${JSON.stringify(status)}`);
    }
  }

  /** Creates a bucket and writes objects into it, each with its key as content. */
  async put(bucket: string, keys: readonly string[]): Promise<void> {
    await this.store.ensureBucket(bucket);
    for (let at = 0; at < keys.length; at += 64) {
      await Promise.all(keys.slice(at, at + 64).map((key) => this.store.put(bucket, key, Buffer.from(key))));
    }
  }

  /** Sorted keys of a bucket; none when the bucket does not exist. */
  async keys(bucket: string, prefix = ''): Promise<string[]> {
    const keys: string[] = [];
    if (!(await this.store.bucketExists(bucket))) return keys;
    for await (const { key } of this.store.list(bucket, prefix)) keys.push(key);
    return keys;
  }

  /** Process ids of a flow's replicas by function, including replicas that are stopping. */
  pidsOf(flow: string): { readonly [functionId: string]: readonly number[] } {
    const [namespace = '', jobId = ''] = flow.split('/');
    const folder = path.join(this.folder, '.kflow/stack.data/processes/replicas', namespace);
    const prefix = `${jobId}--`;
    const pids: { [functionId: string]: number[] } = {};
    for (const workload of namesIn(folder).flatMap((kind) => namesIn(folder, kind))) {
      const functionId = path.basename(workload).slice(prefix.length);
      if (!path.basename(workload).startsWith(prefix)) continue;
      for (const replica of namesIn(folder, workload)) {
        const pid = pidIn(path.join(folder, replica, 'pid'));
        if (pid !== undefined) pids[functionId] = [...(pids[functionId] ?? []), pid];
      }
    }
    return pids;
  }

  /** Sorted names of a namespace's streams with a prefix, including those of buckets. */
  async streams(namespace: string, prefix: string): Promise<string[]> {
    const manager = await (await this.nats(namespace)).jetstreamManager();
    const names: string[] = [];
    for await (const name of manager.streams.names()) if (name.startsWith(prefix)) names.push(name);
    return names.sort();
  }

  /** The records that a sink has written below a bucket, in the order of their keys. */
  async records<T>(bucket: string): Promise<T[]> {
    const keys = await this.keys(bucket);
    const records: T[] = [];
    for (let at = 0; at < keys.length; at += 64) {
      const part = keys.slice(at, at + 64).map((key) => this.store.get(bucket, key));
      records.push(...(await Promise.all(part)).map((bytes) => JSON.parse(Buffer.from(bytes).toString()) as T));
    }
    return records;
  }

  /** As the controller is connected to the account of a namespace, which is made if no flow has been there yet. */
  async nats(namespace: string): Promise<NatsConnection> {
    const connection = this.connections.get(namespace) ?? (await this.natsAccounts()).connect(namespace);
    this.connections.set(namespace, Promise.resolve(connection));
    return connection;
  }

  /** Results of tasks of a namespace, from now on. */
  async taskResults(namespace: string): Promise<readonly TaskResult[]> {
    const results: TaskResult[] = [];
    (await this.nats(namespace)).subscribe(resultSubject(namespace, '*'), {
      callback: (_error, message) => void results.push(message.json()),
    });
    return results;
  }

  /** As the controller is connected to its own account. */
  async controllerNats(): Promise<NatsConnection> {
    return (await this.natsAccounts()).connection;
  }

  private natsAccounts(): Promise<OperatorAccounts> {
    this.accounts ??= OperatorAccounts.open({
      access: { url: this.file.nats },
      keys: new DerivedKeys(readKeyFile(path.join(this.folder, '.kflow/stack.data/installation.key'))),
      listener: {},
      lifetimeSeconds: 86_400,
      replicas: 1,
    });
    return this.accounts;
  }
}

/** Undefined when the process has ended and its file is gone. */
function pidIn(file: string): number | undefined {
  const text = unlessGone(() => readFileSync(file, 'utf8'));
  return text === undefined ? undefined : Number(text);
}

/** Entries of a subfolder, relative to the folder. */
function namesIn(folder: string, within = ''): string[] {
  const names = unlessGone(() => readdirSync(path.join(folder, within))) ?? [];
  return names.map((name) => path.join(within, name));
}

/** Replicas start and stop during the read. */
function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It has ended and was not restarted yet.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
