import type { JetStreamManager, NatsConnection } from 'nats';
import type { FlowPlan } from '../../../../lib/plan/flow-plan';
import { managerOf } from '../../../adapters/jetstream/access/jetstream-api';
import { readProgress } from '../../../adapters/jetstream/read-progress';
import { ReplicaReports } from '../../../adapters/jetstream/replica-reports';
import { callServer } from '../../../adapters/jetstream/retry-request';
import type { FunctionStatus } from '../../../api-contract/flow-status';
import { functionStatuses } from '../../../controller/flows/health/function-statuses';
import type { FunctionProgress } from '../../../controller/ports/streams';
import type { Drift } from '../../../engine/drift/drift';
import type { ReplicaStatus } from './local-replicas';

/** The counts of one function in this run. */
export interface FunctionCounts extends Pick<FunctionStatus, 'function' | 'type' | 'replicas' | 'in' | 'out' | 'dead'> {
  /** Records in the function's inputs that are not processed yet. */
  readonly pending: number;
  /** Failed attempts that the replicas have reported. */
  readonly failed: number;
  readonly restarts: number;
  /** Error of the last failed attempt. */
  readonly lastFailure?: string;
  /** Why records of a sink wait for their destination. */
  readonly waiting?: string;
  /** What was changed from outside during the run. */
  readonly drifts: readonly Drift[];
  readonly phases: readonly ReplicaStatus['phase'][];
}

/** Counts records from the state of streams and consumers, which survives restarts of replicas. */
export class FlowProgress {
  private baseline: readonly FunctionProgress[] = [];

  private constructor(
    private readonly manager: JetStreamManager,
    private readonly reports: ReplicaReports,
    private readonly plan: FlowPlan,
  ) {}

  /** Counts only records that are written from now on. */
  static async open(connection: NatsConnection, plan: FlowPlan): Promise<FlowProgress> {
    const reports = new ReplicaReports(connection, { keepsAll: true });
    const progress = new FlowProgress(await managerOf(connection), reports, plan);
    progress.baseline = await progress.readStreams();
    return progress;
  }

  async read(replicas: readonly ReplicaStatus[]): Promise<FunctionCounts[]> {
    const { plan, baseline } = this;
    const progress = await this.readStreams();
    const statuses = functionStatuses({ plan, workloads: [], progress, baseline });
    return statuses.map(({ pending, held, ready: _ready, isPaused: _isPaused, ...status }) => {
      const own = replicas.filter((replica) => replica.function === status.function);
      const reports = this.reports.of(plan).filter((report) => report.function === status.function);
      const lastFailure = reports.findLast((report) => report.lastFailure !== undefined)?.lastFailure;
      const waiting = reports.findLast((report) => report.waiting !== undefined)?.waiting;
      return {
        ...status,
        pending: pending + held,
        failed: reports.reduce((sum, { failed }) => sum + failed, 0),
        restarts: own.reduce((sum, { restarts }) => sum + restarts, 0),
        drifts: progress.find((each) => each.function === status.function)?.drifts ?? [],
        phases: own.map(({ phase }) => phase),
        ...(lastFailure === undefined ? {} : { lastFailure }),
        ...(waiting === undefined ? {} : { waiting }),
      };
    });
  }

  /** Retries while the server is unavailable, as the replicas do. */
  private readStreams(): Promise<readonly FunctionProgress[]> {
    return readProgress(this.manager, this.plan, callServer);
  }
}
