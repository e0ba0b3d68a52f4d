import { ExitCode, retriesEach } from '../../../../lib/plan/replica-lifecycle';
import type { Mode } from '../../../../lib/topology/document/topology';
import type { WorkloadNode } from '../../../adapters/processes/workload-node';
import type { RunningReplica } from '../../../adapters/processes/workload-runner';
import type { FlowKey } from '../../../api-contract/flow-key';

/** The phase of a replica. `failed`: not restarted; `stopped`: ended on request. */
type LocalPhase = 'running' | 'backing-off' | 'succeeded' | 'failed' | 'stopped';

export interface ReplicaStatus {
  readonly function: string;
  readonly replica: number;
  readonly phase: LocalPhase;
  readonly restarts: number;
  /** How the replica ended last: `exit 1`, `SIGKILL`; undefined before its first end. */
  readonly lastExit?: string | undefined;
  /** How the replica ended last, with the last error in its log; while it waits for its restart. */
  readonly message?: string | undefined;
  readonly logFile: string;
}

/** The replicas of a flow with their last known status; the node forgets replicas that have ended. */
export class LocalReplicas {
  private readonly known = new Map<string, ReplicaStatus>();
  private readonly unsubscribe: () => void;

  /** `onChange` is called for each replica whose phase changes. */
  constructor(
    private readonly node: WorkloadNode,
    private readonly flow: FlowKey,
    private readonly mode: Mode,
    private readonly onChange: (status: ReplicaStatus) => void,
  ) {
    this.unsubscribe = node.onChange(() => this.read());
    this.read();
  }

  statuses(): readonly ReplicaStatus[] {
    return [...this.known.values()];
  }

  /** Resolves when no replica of these functions is left. */
  async gone(functionIds: readonly string[]): Promise<void> {
    const isLeft = () => this.node.replicas(this.flow).some(({ workload }) => functionIds.includes(workload.function));
    if (!isLeft()) return;
    await new Promise<void>((resolve) => {
      const unsubscribe = this.node.onChange(() => {
        if (isLeft()) return;
        unsubscribe();
        resolve();
      });
    });
  }

  close(): void {
    this.unsubscribe();
  }

  private read(): void {
    const current = new Map(this.node.replicas(this.flow).map((replica) => [replica.state.name, replica]));
    for (const [name, replica] of current) this.note(name, this.statusOf(replica));
    for (const [name, status] of this.known) {
      if (!current.has(name)) this.note(name, { ...status, phase: 'stopped' });
    }
  }

  private note(name: string, status: ReplicaStatus): void {
    const before = this.known.get(name);
    // failed and succeeded are final, whatever the node does with the replica
    if (before?.phase === 'failed' || before?.phase === 'succeeded') return;
    this.known.set(name, status);
    if (before?.phase !== status.phase) this.onChange(status);
  }

  /** In batch mode, a replica of a Deployment is not restarted more often than that of a Job. */
  private hasFailed({ workload, state }: Pick<RunningReplica, 'workload' | 'state'>): boolean {
    const isBounded = this.mode === 'batch' && workload.job === undefined;
    return isBounded && state.phase === 'waiting' && state.restarts >= retriesEach;
  }

  private statusOf({ workload, number, state, lastExit }: RunningReplica): ReplicaStatus {
    return {
      function: workload.function,
      replica: number,
      phase: this.hasFailed({ workload, state }) ? 'failed' : phaseOf(state.phase, lastExit),
      restarts: state.restarts,
      lastExit,
      message: state.phase === 'waiting' ? state.message : undefined,
      logFile: this.node.logFile(this.flow, state.name),
    };
  }
}

function phaseOf(phase: RunningReplica['state']['phase'], lastExit: string | undefined): LocalPhase {
  switch (phase) {
    case 'starting':
    case 'ready':
    case 'not-ready':
      return 'running';
    case 'waiting':
      return lastExit === `exit ${ExitCode.Misconfigured}` ? 'failed' : 'backing-off';
    case 'ending':
      return 'stopped';
    case 'succeeded':
    case 'failed':
      return phase;
  }
}
