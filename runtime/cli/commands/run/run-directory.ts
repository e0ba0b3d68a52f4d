import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../../../../lib/errors';
import { isAlive } from '../../../adapters/processes/is-alive';

/** The folder of a flow below `.kflow/`: its servers' data, its objects, its replicas' files and logs. One run at a time has it. */
export class RunDirectory {
  private constructor(readonly path: string) {}

  /**
   * Takes the folder for this process. What an earlier run left is removed, but for the servers' data when it is to go
   * on from there. Throws ConfigError when another run has it.
   */
  static lock(folder: string, isKept: boolean): RunDirectory {
    const lock = path.join(folder, 'lock');
    const owner = existsSync(lock) ? Number(readFileSync(lock, 'utf8')) : undefined;
    if (owner !== undefined && isAlive(owner)) {
      throw new ConfigError(
        'state-invalid',
        `another run (process ${owner}) has ${folder}; end it first, run from another directory, or remove ${lock} if that process is something else`,
      );
    }
    const directory = new RunDirectory(folder);
    for (const left of ['objects', 'logs']) rmSync(path.join(folder, left), { recursive: true, force: true });
    if (!isKept) directory.removeData();
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(lock, String(process.pid));
    } catch (cause) {
      throw new ConfigError('config-invalid', `${folder} cannot be written to: ${(cause as Error).message}`, { cause });
    }
    return directory;
  }

  get servers(): string {
    return path.join(this.path, 'servers');
  }

  get logs(): string {
    return path.join(this.path, 'logs');
  }

  removeData(): void {
    rmSync(this.servers, { recursive: true, force: true });
  }

  /** Gives the folder back, without the credentials that its objects hold. */
  release(): void {
    for (const left of ['objects', 'replicas']) rmSync(path.join(this.path, left), { recursive: true, force: true });
    rmSync(path.join(this.path, 'lock'), { force: true });
  }
}
