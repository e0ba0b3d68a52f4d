import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { resolveServer } from '../../runtime/servers/resolve-server';
import { sharedKubeconfig } from './support';

const run = promisify(execFile);

export const exampleFolder = path.join(__dirname, '../../examples/gitops');
/** Settings of Argo CD with the health checks that the example recommends. */
export const argoSettings = path.join(exampleFolder, 'argocd/argocd-cm.yaml');

/** A sync as Argo CD shows it. */
export interface SyncOperation {
  /** `Succeeded`, `Failed`, or `Running` when the time was over. */
  readonly phase: string;
  readonly message: string;
  readonly retries: number;
  readonly resources: readonly {
    readonly kind: string;
    readonly name: string;
    readonly status: string;
    readonly message?: string;
  }[];
}

export interface ResourceStatus {
  readonly kind: string;
  readonly name: string;
  readonly sync: string;
  readonly requiresPruning?: boolean;
  readonly health?: string;
  readonly message?: string;
}

/** An Application of Argo CD, whose folder in git is below `repository`. */
export class ArgoApplication {
  /** `repository` is the folder that the Application's path is relative to. */
  constructor(
    private readonly repository: string,
    private readonly file: string,
  ) {}

  /** What differs from git, and how healthy it is. */
  status(): Promise<{
    readonly sync: string;
    readonly health: string;
    readonly resources: readonly ResourceStatus[];
  }> {
    return this.engine('status');
  }

  /** One sync with its retries; a sync that takes longer than `timeout` is left `Running`. */
  sync(timeout = '90s'): Promise<SyncOperation> {
    return this.engine('sync', '--timeout', timeout);
  }

  /** The operations that automated sync starts in so many comparisons, and the state after each comparison. */
  async automate(rounds: number): Promise<readonly { readonly sync: string; readonly operation?: SyncOperation }[]> {
    const lines = await this.output('automate', '--rounds', String(rounds), '--interval', '200ms');
    return lines
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  }

  /** Deletes the Application with its objects. */
  delete(): Promise<{ readonly deleted: readonly string[]; readonly kept: readonly string[] }> {
    return this.engine('delete');
  }

  private async engine<T>(command: string, ...args: string[]): Promise<T> {
    return JSON.parse(await this.output(command, ...args));
  }

  private async output(command: string, ...args: string[]): Promise<string> {
    const { path: program } = await resolveServer('argocd-engine');
    const { file, repository } = this;
    const given = ['--application', file, '--repository', repository, '--settings', argoSettings];
    // between waves, Argo CD waits two seconds for controllers
    const times = ['--wave-delay', '100ms'];
    const { stdout } = await run(program, [command, ...given, '--kubeconfig', sharedKubeconfig(), ...times, ...args]);
    return stdout;
  }
}
