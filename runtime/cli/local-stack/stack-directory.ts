import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ConfigError } from '../../../lib/errors';

/** Maximum length of the path of a socket: 103 bytes on macOS, 107 on Linux. */
const maxSocketPath = 103;

const serverNames = ['nats', 'temporal', 's3', 'search', 'controller'] as const;
export type ServerName = (typeof serverNames)[number];

/**
 * The folder of a stack, by default `.kflow`. Its files are not named like a jobId, because `kflow run` keeps a folder per
 * flow in the same place.
 */
export class StackDirectory {
  /** Absolute. */
  readonly path: string;

  constructor(directory: string) {
    this.path = path.resolve(directory);
  }

  /** Pid and addresses; the file exists while the stack is ready. */
  get file(): string {
    return path.join(this.path, 'stack.json');
  }

  /** Streams, workflows, buckets and the specs of flows. */
  get data(): string {
    return path.join(this.path, 'stack.data');
  }

  /** The installation key, readable by the stack's owner only. */
  get keyFile(): string {
    return path.join(this.data, 'installation.key');
  }

  /** Logins of programs at nats, by namespace and name. */
  get logins(): string {
    return path.join(this.path, 'logins');
  }

  get logs(): string {
    return path.join(this.path, 'log');
  }

  /** Output of `kflow up --detach`. */
  get log(): string {
    return path.join(this.logs, 'up.log');
  }

  /** Data of one server, or of the process node. */
  dataOf(server: ServerName | 'processes'): string {
    return path.join(this.data, server);
  }

  /** Files with the pids of the servers that run, or that ran last. */
  get pidFiles(): readonly string[] {
    return serverNames.map((name) => path.join(this.dataOf(name), 'pid'));
  }

  /** Path of a socket: in the data folder or, where that path is too long, in a temporary folder. */
  socket(name: string): string {
    const near = path.join(this.data, name);
    if (Buffer.byteLength(near) <= maxSocketPath) return near;
    const digest = createHash('sha256').update(this.path).digest('hex').slice(0, 16);
    return path.join(tmpdir(), `kflow-${process.getuid?.() ?? 0}-${digest}`, name);
  }

  /** Creates the folders with access only for their owner. Throws ConfigError when another user owns one. */
  make(): void {
    mkdirSync(this.logs, { recursive: true });
    for (const folder of [this.data, path.dirname(this.socket('any'))]) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const owner = statSync(folder).uid;
      if (owner === process.getuid?.()) continue;
      throw new ConfigError('config-invalid', `${folder} belongs to the user ${owner}; choose another --directory`);
    }
  }

  /** The folders of stacks in a folder or above, the nearest first. */
  static *above(folder: string): Generator<StackDirectory> {
    const at = path.resolve(folder);
    const candidate = new StackDirectory(path.join(at, '.kflow'));
    if (existsSync(candidate.data)) yield candidate;
    const parent = path.dirname(at);
    if (parent !== at) yield* StackDirectory.above(parent);
  }
}
