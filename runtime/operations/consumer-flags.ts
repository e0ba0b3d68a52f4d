import { accessSync, constants, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';

/**
 * Files with which somebody beside a consumer watches and controls it: `kflow-<name>-run.lock`, `-pause.lock` and
 * `-terminate.lock`. The name is that of the host by default: consumers on one host that are to be controlled one by one need
 * KFLOW_CONSUMER_NAME. They are in KFLOW_LOCK_PATH: /var/run by default if it can be written to, else the folder for temporary
 * files.
 */
export class ConsumerFlags {
  readonly folder: string;
  private readonly name: string;

  constructor({ KFLOW_LOCK_PATH: folder, KFLOW_CONSUMER_NAME: name }: NodeJS.ProcessEnv) {
    this.folder = folder || defaultFolder();
    this.name = name || hostname();
    mkdirSync(this.folder, { recursive: true });
  }

  /** Removes what an earlier consumer left. A flag to end stays until somebody removes it. */
  open(): void {
    rmSync(this.file('pause'), { force: true });
    this.note('');
  }

  /** Writes what is being run, as `path[uuid]`, one a line; nothing when idle. */
  note(processing: string): void {
    const beside = `${this.file('run')}.${process.pid}`;
    writeFileSync(beside, processing);
    renameSync(beside, this.file('run'));
  }

  /** What is being run; undefined when idle. */
  get processing(): string | undefined {
    return existsSync(this.file('run')) ? readFileSync(this.file('run'), 'utf8') || undefined : undefined;
  }

  get isPaused(): boolean {
    return existsSync(this.file('pause'));
  }

  get isTerminated(): boolean {
    return existsSync(this.file('terminate'));
  }

  private file(flag: 'run' | 'pause' | 'terminate'): string {
    return path.join(this.folder, `kflow-${this.name}-${flag}.lock`);
  }
}

function defaultFolder(): string {
  try {
    accessSync('/var/run', constants.W_OK);
    return '/var/run';
  } catch {
    return tmpdir(); // users other than root
  }
}
