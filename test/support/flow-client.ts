import type { FlowStatus } from '../../runtime/api-contract/flow-status';
import { waitFor } from './wait-for';

/** Client of a controller's REST API that can wait for a status. */
export class FlowClient {
  constructor(
    readonly url: string,
    private readonly token?: string,
  ) {}

  /** The same API with a token. */
  as(token: string): FlowClient {
    return new FlowClient(this.url, token);
  }

  async call(
    method: string,
    pathName: string,
    body?: unknown,
    more: Record<string, string> = {},
  ): Promise<{ status: number; body: never }> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const headers = { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...more };
    const token: Record<string, string> = this.token === undefined ? {} : { authorization: `Bearer ${this.token}` };
    const answer = await fetch(`${this.url}${pathName}`, { method, headers: { ...token, ...headers }, body: text });
    const said = await answer.text();
    return { status: answer.status, body: (/^[[{]/.test(said) ? JSON.parse(said) : said) as never };
  }

  async status(flow: string): Promise<FlowStatus> {
    return (await this.call('GET', `/kflows/v1/${flow}`)).body;
  }

  /** Waits until the status of a flow meets a condition. */
  until(flow: string, isThere: (status: FlowStatus) => boolean): Promise<FlowStatus> {
    return this.untilResponse(`/kflows/v1/${flow}`, isThere);
  }

  /** Waits until an answer meets a condition. */
  async untilResponse<T>(pathName: string, holds: (body: T) => boolean): Promise<T> {
    const { body } = await waitFor(
      `GET ${pathName} to meet ${holds}`,
      () => this.call('GET', pathName),
      ({ status, body }) => status === 200 && holds(body),
    );
    return body;
  }

  /** Waits until a flow is in a phase and has settled. */
  untilIn(flow: string, phase: FlowStatus['status']): Promise<FlowStatus> {
    return this.until(flow, ({ status, health }) => status === phase && health.state !== 'starting');
  }

  untilHealthy(flow: string): Promise<FlowStatus> {
    return this.until(flow, ({ status, health }) => status === 'Running' && health.state === 'healthy');
  }
}
