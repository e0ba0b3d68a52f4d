import { type RunningApi, type StartApiProps, startApi } from '../../../../../runtime/controller/api/api-server';
import { RevisionController } from '../../../../../runtime/controller/revisions/service/revision-controller';
import { Workplace } from '../../../../support/kflow-cli';
import { MemoryExecutions } from '../../../../support/memory-executions';
import { MemoryFlows } from '../../../../support/memory-flows';
import { MemoryRevisionStore } from '../../../../support/memory-revision-store';
import { kflow, topology } from '../../support';

export const flow = { namespace: 'default', jobId: 'words' };

/** A controller's API over flows, executions and revisions in memory, where `default/words` runs, and a folder for files. */
export class TestController {
  readonly place = new Workplace();
  readonly executions: MemoryExecutions;

  private constructor(
    readonly flows: MemoryFlows,
    private readonly props: StartApiProps & { readonly executions: MemoryExecutions },
    private api: RunningApi,
  ) {
    this.executions = props.executions;
  }

  static async start(
    options: { readonly isManual?: true; readonly tls?: StartApiProps['tls'] } = {},
  ): Promise<TestController> {
    const flows = new MemoryFlows(options);
    await flows.submit(flow, topology, { by: 'the test' });
    flows.requests.length = 0;
    const props = {
      service: flows,
      executions: new MemoryExecutions(),
      revisions: new RevisionController(new MemoryRevisionStore()),
      access: { kind: 'open' },
      log: () => undefined,
      host: '127.0.0.1',
      port: 0,
      ...(options.tls === undefined ? {} : { tls: options.tls }),
    } as const;
    return new TestController(flows, props, await startApi(props));
  }

  get url(): string {
    return this.api.url;
  }

  /** Ends the API, waits for `meanwhile`, and starts it again at the same address. */
  async restart(meanwhile: () => Promise<unknown>): Promise<void> {
    const { port } = this.api;
    await this.api.close();
    await meanwhile();
    this.api = await startApi({ ...this.props, port });
  }

  /** Runs a command with the address of this controller. */
  kflow(...words: readonly string[]): ReturnType<typeof kflow> {
    return kflow(...words, '--url', this.api.url);
  }

  async close(): Promise<void> {
    await this.api.close();
    this.place.remove();
  }
}
