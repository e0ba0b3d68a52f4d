import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import type { FlowLogins } from '../../ports/flow-logins';
import type { FlowWorkflows } from '../ports/flow-workflow';

/** What the event log says about it. */
const reason = 'the login of its replicas at nats was renewed';

export interface LoginRenewalProps {
  readonly logins: Pick<FlowLogins, 'revoke'> & {
    /** Flows whose login expires before long. */
    due(): Promise<readonly FlowKey[]>;
  };
  readonly workflows: Pick<FlowWorkflows, 'observed'>;
  readonly onWarning: (text: string) => void;
  /** How often logins are checked. */
  readonly everyMs: number;
}

/**
 * Has the workflow of each flow whose login at nats expires before long apply the flow again, with a new login. The workflow
 * does it in its own order of steps, so a flow that ends meanwhile leaves nothing behind. The login of a closed flow is
 * revoked.
 */
export class LoginRenewal {
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(private readonly props: LoginRenewalProps) {}

  /** Checks at once, and then again and again. */
  start(): void {
    void this.sweep().finally(() => {
      if (!this.isClosed) this.timer = setTimeout(() => this.start(), this.props.everyMs);
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.timer);
  }

  private async sweep(): Promise<void> {
    const { logins, onWarning } = this.props;
    try {
      for (const flow of await logins.due()) {
        if (this.isClosed) return;
        await this.renew(flow).catch((error) => {
          onWarning(`${flowName(flow)}: cannot renew its login at nats: ${(error as Error).message}; retrying`);
        });
      }
    } catch (error) {
      onWarning(`cannot check the logins of flows at nats: ${(error as Error).message}; retrying`);
    }
  }

  private async renew(flow: FlowKey): Promise<void> {
    const { logins, workflows } = this.props;
    if (await workflows.observed(flow, reason, 'due')) return;
    await logins.revoke(flow);
    await workflows.observed(flow, reason, 'due'); // one that has begun meanwhile may have got the revoked login
  }
}
