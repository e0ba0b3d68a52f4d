import type { FlowClient } from '../support/flow-client';

/** Deviations of a test's flow from the default. */
export interface Changes {
  readonly mode?: 'batch' | 'stream';
  /** Fields of the source, of the function `map`, of its meta, and of the whole document. */
  readonly list?: object;
  readonly map?: object;
  readonly meta?: object;
  readonly more?: object;
}

export const code = 'def map(ctx, event): return event';
export const account = { user: 'minio', password: 'hunter2' };

/** A flow of a source, a function and a leaf, used through the REST API. */
export class ControlledFlow {
  readonly name: string;

  constructor(
    private readonly api: FlowClient,
    private readonly namespace: string,
    readonly jobId: string,
  ) {
    this.name = `${namespace}/${jobId}`;
  }

  async submit(changes: Changes = {}): Promise<void> {
    expect(await this.api.call('POST', `/kflows/v1/${this.name}`, topology(changes))).toMatchObject({ status: 201 });
  }

  /** Submits the flow and waits until it is healthy. */
  async run(changes: Changes = {}): Promise<void> {
    await this.submit(changes);
    await this.untilHealthy();
  }

  async update(changes: Changes): Promise<void> {
    const document = { jobId: this.jobId, namespace: this.namespace, ...topology(changes) };
    expect(await this.api.call('POST', '/kflows/update/v1', document)).toMatchObject({ status: 200 });
  }

  async change(what: 'pause' | 'resume' | 'scale', body?: object): Promise<void> {
    const { status } = await this.api.call('POST', `/kflows/v1/${this.name}/${what}`, body);
    expect(status).toBe(what === 'scale' ? 200 : 202);
  }

  /** `how` is the query string. */
  async end(how = ''): Promise<void> {
    expect((await this.api.call('DELETE', `/kflows/v1/${this.name}${how}`)).status).toBe(202);
  }

  untilHealthy(isThere: Parameters<FlowClient['until']>[1] = () => true) {
    return this.api.until(
      this.name,
      (status) => status.status === 'Running' && status.health.state === 'healthy' && isThere(status),
    );
  }
}

/** The document without its names. */
export function topology({ mode = 'stream', list = account, map, meta, more }: Changes): object {
  return {
    mode,
    ...more,
    dag: [
      { id: 'list', type: 'fs-source', format: 'list', addr: 's3:9000', topics: 's3a://texts', ...list, out: ['map'] },
      { id: 'map', type: 'raw', ...map, meta: { name: 'map', code, update: true, ...meta }, out: ['leaf'] },
      { id: 'leaf', type: 'raw', meta: { name: 'leaf', code: 'def leaf(ctx, event): return None' } },
    ],
  };
}
