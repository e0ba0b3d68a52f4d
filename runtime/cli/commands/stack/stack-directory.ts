import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ConfigError } from '../../../../lib/errors';

/** macOS ends the path of a socket at 103 bytes, Linux at 107. */
const maxSocketPath = 103;

/**
 * Where everything of a stack is: below one folder, by default `.kflow`. No name here can be a flow's, whose runs keep
 * their things in the same folder.
 */
export class StackDirectory {
  /** Absolute. */
  readonly path: string;

  constructor(directory: string) {
    this.path = path.resolve(directory);
  }

  /** Who serves this stack and at which addresses; there while it answers. */
  get file(): string {
    return path.join(this.path, 'stack.json');
  }

  /** Streams, workflows, buckets, the flows' specs. */
  get data(): string {
    return path.join(this.path, 'stack.data');
  }

  get logs(): string {
    return path.join(this.path, 'log');
  }

  /** What `up --detach` says. */
  get log(): string {
    return path.join(this.logs, 'up.log');
  }

  /** Folder of one server's data. */
  dataOf(server: string): string {
    return path.join(this.data, server);
  }

  /** Path of a socket: in the data folder, or where that would be too long, in a folder of the system's for files that pass. */
  socket(name: string): string {
    const near = path.join(this.data, name);
    if (Buffer.byteLength(near) <= maxSocketPath) return near;
    const digest = createHash('sha256').update(this.path).digest('hex').slice(0, 16);
    return path.join(tmpdir(), `kflow-${process.getuid?.() ?? 0}-${digest}`, name);
  }

  /** Makes its folders, which only their owner may enter. Throws ConfigError when one is somebody else's. */
  make(): void {
    mkdirSync(this.logs, { recursive: true });
    for (const folder of [this.data, path.dirname(this.socket('any'))]) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const owner = statSync(folder).uid;
      if (owner === process.getuid?.()) continue;
      throw new ConfigError('config-invalid', `${folder} belongs to the user ${owner}; use another --directory`);
    }
  }

  /** The stack's folders at or above a folder, the nearest first. */
  static *above(folder: string): Generator<StackDirectory> {
    const at = path.resolve(folder);
    const candidate = new StackDirectory(path.join(at, '.kflow'));
    if (existsSync(candidate.data)) yield candidate;
    const parent = path.dirname(at);
    if (parent !== at) yield* StackDirectory.above(parent);
  }
}
