import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { type FlowKey, flowName } from '../../api-contract/flow-key';

/** The log files of all replicas. Logs outlive their flow until `removeOthers`. */
export class ReplicaLogs {
  /** With `isOfOneFlow`, the logs are in the folder itself, else in `<namespace>/<jobId>` below it. */
  constructor(
    private readonly folder: string,
    private readonly isOfOneFlow: boolean,
  ) {}

  fileOf(flow: FlowKey, replica: string): string {
    return path.join(this.folderOf(flow), `${replica}.log`);
  }

  /** Names of the replicas of a function that have a log file. */
  replicasOf(flow: FlowKey, functionId: string): string[] {
    const folder = this.folderOf(flow);
    const files = existsSync(folder) ? readdirSync(folder) : [];
    const numbers = files.flatMap((file) => {
      const number = /^-(\d+)\.log$/.exec(file.slice(functionId.length))?.[1];
      return file.startsWith(functionId) && number !== undefined ? [Number(number)] : [];
    });
    return numbers.sort((one, other) => one - other).map((number) => `${functionId}-${number}`);
  }

  /** Removes the logs of every flow except these. */
  removeOthers(flows: readonly FlowKey[]): void {
    if (this.isOfOneFlow || !existsSync(this.folder)) return;
    const kept = new Set(flows.map(flowName));
    for (const namespace of readdirSync(this.folder)) {
      for (const jobId of readdirSync(path.join(this.folder, namespace))) {
        if (!kept.has(flowName({ namespace, jobId }))) rmSync(this.folderOf({ namespace, jobId }), { recursive: true });
      }
    }
  }

  private folderOf({ namespace, jobId }: FlowKey): string {
    return this.isOfOneFlow ? this.folder : path.join(this.folder, namespace, jobId);
  }
}
