import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../../../lib/errors';
import { retriesEach } from '../../../lib/plan/exit-code';
import type { PlannedWorkload } from '../../../lib/plan/flow-plan';
import { ReplicaProcess, type ReplicaStatus } from './replica-process';

export interface ProcessClusterOptions {
  /** Specs and logs go here: `specs/<function>.json`, `logs/<function>-<replica>.log`. */
  readonly directory: string;
  /** Environment of every replica. */
  readonly env: { readonly [name: string]: string };
  /** Credentials by the name of their secret. */
  readonly secrets: ReadonlyMap<string, { readonly [key: string]: string | undefined }>;
  readonly onChange: (status: ReplicaStatus) => void;
}

/** Runs planned workloads as processes of this machine, one for each replica. */
export class ProcessCluster {
  private readonly replicas: ReplicaProcess[] = [];

  constructor(private readonly options: ProcessClusterOptions) {
    for (const folder of ['specs', 'logs']) mkdirSync(path.join(options.directory, folder), { recursive: true });
  }

  /** Starts a workload's replicas. Throws ConfigError when its environment cannot be made here. */
  start(workload: PlannedWorkload): void {
    const specFile = path.join(this.options.directory, 'specs', `${workload.function}.json`);
    writeFileSync(specFile, JSON.stringify(workload.spec, null, 2));
    const env = this.environmentOf(workload, specFile);
    for (let replica = 0; replica < workload.replicas; replica++) {
      const process = new ReplicaProcess({
        function: workload.function,
        replica,
        env: { ...env, KFLOW_REPLICA: String(replica) },
        logFile: this.logFile(workload.function, replica),
        isJob: workload.kind === 'job',
        backoffLimit: retriesEach,
        onChange: this.options.onChange,
      });
      this.replicas.push(process);
      process.start();
    }
  }

  statuses(): ReplicaStatus[] {
    return this.replicas.map((replica) => replica.status);
  }

  /** Ends a function's replicas: they finish what they hold, within the grace time. */
  async stop(functionIds: readonly string[], graceMs: number): Promise<void> {
    const concerned = this.replicas.filter((replica) => functionIds.includes(replica.status.function));
    await Promise.all(concerned.map((replica) => replica.stop(graceMs)));
  }

  logFile(functionId: string, replica: number): string {
    return path.join(this.options.directory, 'logs', `${functionId}-${replica}.log`);
  }

  private environmentOf(workload: PlannedWorkload, specFile: string): Record<string, string> {
    const env: Record<string, string> = { ...this.options.env, KFLOW_SPEC: specFile };
    for (const { name, secret, key } of workload.secretEnv) {
      const value = this.options.secrets.get(secret)?.[key];
      if (value === undefined) {
        throw new ConfigError(
          'config-invalid',
          `${workload.function}: ${name} is the ${key} of the secret ${secret} of a cluster, which is not there; give user and password`,
        );
      }
      env[name] = value;
    }
    for (const { name, value, valueFrom } of workload.container.env) {
      if (valueFrom !== undefined) {
        throw new ConfigError(
          'config-invalid',
          `${workload.function}: ${name} is taken from the cluster (valueFrom), which is not there; set it with --set dag.${workload.function}.meta.container.env`,
        );
      }
      if (value !== undefined) env[name] = value;
    }
    return env;
  }
}
