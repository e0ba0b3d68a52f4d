import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { resolveServer } from '../../runtime/servers/resolve-server';

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

/** Where an Application reads and applies. */
export interface ArgoPlace {
  /** The folder that the Application's path is relative to. */
  readonly repository: string;
  readonly kubeconfig: string;
}

/** Deviations from the example. */
export interface ApplicationOptions {
  /** `kubectl apply` and the three-way diff in place of server-side apply. */
  readonly appliesOnClient?: true;
  /** Differences by a dry run of the API server. */
  readonly comparesOnServer?: true;
}

/** An Application of Argo CD. */
export class ArgoApplication {
  constructor(
    private readonly place: ArgoPlace,
    private readonly file: string,
  ) {}

  /** With the policy of the example, for the folder of the repository that has its name, and for one namespace. */
  static likeExample(place: ArgoPlace, name: string, namespace: string, options: ApplicationOptions = {}) {
    const application = parse(readFileSync(path.join(exampleFolder, 'argocd/dev.yaml'), 'utf8'));
    application.metadata.name = name;
    application.spec.source.path = name;
    application.spec.destination.namespace = namespace;
    Object.assign(application.spec.syncPolicy.retry, { limit: 2, backoff: { duration: '500ms', factor: 1 } });
    if (options.appliesOnClient) application.spec.syncPolicy.syncOptions = [];
    if (options.comparesOnServer) {
      application.metadata.annotations = { 'argocd.argoproj.io/compare-options': 'ServerSideDiff=true' };
    }
    const file = path.join(place.repository, `${name}.application.yaml`);
    writeFileSync(file, stringify(application));
    mkdirSync(path.join(place.repository, name), { recursive: true });
    return new ArgoApplication(place, file);
  }

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
    const { repository, kubeconfig } = this.place;
    const given = ['--application', this.file, '--repository', repository, '--settings', argoSettings];
    // between waves, Argo CD waits two seconds for controllers
    const times = ['--wave-delay', '100ms'];
    const { stdout } = await run(program, [command, ...given, '--kubeconfig', kubeconfig, ...times, ...args]);
    return stdout;
  }
}
