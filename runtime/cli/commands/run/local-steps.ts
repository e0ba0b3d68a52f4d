import type { FlowPlan } from '../../../../lib/plan/flow-plan';
import type { S3Buckets } from '../../../adapters/s3/s3-buckets';
import type { RunningApi } from '../../../controller/api/api-server';
import { stepWaitMs } from '../../../controller/flows/service/desk-steps';
import { StepDesk } from '../../../steps/step-desk';
import { startStepApi } from './step-api';
import { describeFolders, followSteps } from './step-feed';

/** The records of a run that is step by step: the desk at which they move, and the API that serves it. */
export class LocalSteps {
  private readonly closing = new AbortController();

  private constructor(
    private readonly plan: FlowPlan,
    private readonly desk: StepDesk,
    private readonly api: RunningApi,
    private readonly stores: ReturnType<S3Buckets['open']>,
    private readonly credentials: string | undefined,
  ) {}

  /** `credentials` is the file that has those of the embedded store. */
  static async open(
    plan: FlowPlan,
    { buckets, credentials }: { readonly buckets: S3Buckets; readonly credentials: string | undefined },
  ): Promise<LocalSteps> {
    const stores = buckets.open(plan);
    const desk = new StepDesk({ plan, open: stores.of, waitMs: stepWaitMs });
    return new LocalSteps(plan, desk, await startStepApi(plan, desk), stores, credentials);
  }

  /** Says where to put objects, then what becomes of each, until `close`. */
  follow(say: (line: string) => void): void {
    const { plan, desk, api, credentials } = this;
    const addr = plan.devStore?.bucket.addr ?? '';
    const place = { addr, api: api.url, ...(credentials === undefined ? {} : { credentials }) };
    for (const line of describeFolders(plan, desk.folders(), place)) say(line);
    void followSteps(desk, say, this.closing.signal);
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.api.close();
    await this.stores.close();
  }
}
