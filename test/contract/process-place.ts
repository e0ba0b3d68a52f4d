import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { crashLine } from '../../bench/memory-cluster';
import { ProcessCluster } from '../../runtime/adapters/processes/process-cluster';
import { type RunningNode, startProcessNode } from '../../runtime/adapters/processes/process-node';
import type { FlowKey } from '../../runtime/api-contract/flow-key';
import { closeAfterFile } from '../support/close-after-file';
import type { ClusterPlace } from './cluster-suite';

/**
 * Local processes whose behavior a test sets. In addition to the behaviors of every cluster, replicas can be `busy`, which
 * is not ready, and `linger`, which ignores SIGTERM; `end:1` means only replica 1.
 */
export class ProcessPlace implements ClusterPlace {
  readonly close = closeAfterFile('a node of local processes', async () => {
    await this.cluster.close();
    await this.stop();
    rmSync(this.folder, { recursive: true });
  });
  readonly namespace = 'trial';
  readonly socketPath: string;
  readonly cluster: ProcessCluster;
  private node: RunningNode | undefined;

  private constructor(readonly folder: string) {
    this.socketPath = path.join(folder, 'node.sock');
    this.cluster = new ProcessCluster(this.socketPath);
  }

  static async open(): Promise<ProcessPlace> {
    const place = new ProcessPlace(mkdtempSync(path.join(tmpdir(), 'kflow-node-')));
    await place.start();
    return place;
  }

  async start(): Promise<void> {
    this.node = await startProcessNode({
      directory: this.folder,
      socketPath: this.socketPath,
      program: path.join(__dirname, 'replica-program.js'),
      env: { KFLOW_TEST_BEHAVIOURS: path.join(this.folder, 'behaviours'), KFLOW_TEST_CRASH_LINE: crashLine },
    });
  }

  async stop(): Promise<void> {
    await this.node?.close(5_000);
    this.node = undefined;
  }

  async behave({ jobId }: FlowKey, functionId: string, how: string): Promise<void> {
    mkdirSync(path.join(this.folder, 'behaviours', jobId), { recursive: true });
    writeFileSync(path.join(this.folder, 'behaviours', jobId, functionId), how);
  }
}
