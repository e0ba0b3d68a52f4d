import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../../../../lib/errors';
import { isAlive } from '../../../adapters/processes/earlier-processes';
import { removeRunNote } from './run-note';

/** The directory of a flow in `.kflow/`, with the data of its servers and the files and logs of its replicas; locked by one run. */
export class RunDirectory {
  private constructor(readonly path: string) {}

  /**
   * Locks the directory for this process and removes the files of an earlier run, except the servers' data with `isKept`.
   * Throws ConfigError when another run holds the lock.
   */
  static lock(folder: string, isKept: boolean): RunDirectory {
    const lock = path.join(folder, 'lock');
    const owner = existsSync(lock) ? Number(readFileSync(lock, 'utf8')) : undefined;
    if (owner !== undefined && isAlive(owner)) {
      throw new ConfigError(
        'state-invalid',
        `${folder} is in use by another run (process ${owner}); end that run, run from another directory, or remove ${lock} if the process is not kflow`,
      );
    }
    const directory = new RunDirectory(folder);
    for (const left of ['objects', 'logs', 'login']) rmSync(path.join(folder, left), { recursive: true, force: true });
    if (!isKept) directory.removeData();
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(lock, String(process.pid));
    } catch (cause) {
      throw new ConfigError('config-invalid', `cannot write to ${folder}: ${(cause as Error).message}`, { cause });
    }
    return directory;
  }

  get servers(): string {
    return path.join(this.path, 'servers');
  }

  /** Credential files of the embedded nats, which only their owner can read. */
  get login(): string {
    return path.join(this.path, 'login');
  }

  get logs(): string {
    return path.join(this.path, 'logs');
  }

  /** The dead letters of the last run. */
  get letters(): string {
    return path.join(this.path, 'dead-letters.jsonl');
  }

  removeData(): void {
    removeRunNote(this.path);
    rmSync(this.servers, { recursive: true, force: true });
  }

  /** Unlocks the directory and removes the files that hold credentials. */
  release(): void {
    for (const left of ['objects', 'replicas', 'login'])
      rmSync(path.join(this.path, left), { recursive: true, force: true });
    rmSync(path.join(this.path, 'lock'), { force: true });
  }
}
