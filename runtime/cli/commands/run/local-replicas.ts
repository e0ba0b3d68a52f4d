import { ExitCode } from '../../../../lib/plan/exit-code';
import type { WorkloadNode } from '../../../adapters/processes/workload-node';
import type { RunningReplica } from '../../../adapters/processes/workload-runner';
import type { FlowKey } from '../../../api-contract/flow-key';

/** Where a replica of a run is. `failed`: for good, in the eyes of a person who waits; `stopped`: it was told to end. */
type LocalPhase = 'running' | 'backing-off' | 'succeeded' | 'failed' | 'stopped';

export interface ReplicaStatus {
  readonly function: string;
  readonly replica: number;
  readonly phase: LocalPhase;
  readonly restarts: number;
  /** How it ended last: `exit 1`, `SIGKILL`; absent while it never has. */
  readonly lastExit?: string | undefined;
  readonly logFile: string;
}

/** The replicas of a flow by name as they are, or were last: what the node forgets is remembered here. */
export class LocalReplicas {
  private readonly known = new Map<string, ReplicaStatus>();
  private readonly leave: () => void;

  /** `onChange` is told of each replica that comes into another phase. */
  constructor(
    private readonly node: WorkloadNode,
    private readonly flow: FlowKey,
    private readonly onChange: (status: ReplicaStatus) => void,
  ) {
    this.leave = node.onChange(() => this.read());
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
      const leave = this.node.onChange(() => {
        if (isLeft()) return;
        leave();
        resolve();
      });
    });
  }

  close(): void {
    this.leave();
  }

  private read(): void {
    const there = new Map(this.node.replicas(this.flow).map((replica) => [replica.state.name, replica]));
    for (const [name, replica] of there) this.note(name, this.statusOf(replica));
    for (const [name, status] of this.known) {
      if (!there.has(name)) this.note(name, { ...status, phase: 'stopped' });
    }
  }

  private note(name: string, status: ReplicaStatus): void {
    const before = this.known.get(name);
    // what has ended for good stays so, whatever the node does with it
    if (before?.phase === 'failed' || before?.phase === 'succeeded') return;
    this.known.set(name, status);
    if (before?.phase !== status.phase) this.onChange(status);
  }

  private statusOf({ workload, number, state, lastExit }: RunningReplica): ReplicaStatus {
    return {
      function: workload.function,
      replica: number,
      phase: phaseOf(state.phase, lastExit),
      restarts: state.restarts,
      lastExit,
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
