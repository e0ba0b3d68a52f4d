import type { FastifyInstance } from 'fastify';
import type { Access } from '../../../../runtime/controller/api/access/access';
import { type ApiProps, createApi } from '../../../../runtime/controller/api/api-server';
import { RevisionController } from '../../../../runtime/controller/revisions/service/revision-controller';
import type { Log } from '../../../../runtime/log';
import { MemoryExecutions } from '../../../support/memory-executions';
import { MemoryFlows } from '../../../support/memory-flows';
import { MemoryRevisionStore } from '../../../support/memory-revision-store';

export const document = `jobId: jobx
namespace: jobx
mode: stream
dag:
  - id: numbers
    type: raw-source
    image: numbers:1
    schema: '{"type":"record","name":"n","fields":[{"name":"n","type":"long"}]}'
    out: [print0]
  - id: print0
    type: raw
    image: print:1
`;

export const flow = { namespace: 'jobx', jobId: 'jobx' };
export const flowPath = '/kflows/v1/jobx/jobx';
export const open: Access = { kind: 'open' };

export interface TestApi {
  readonly app: FastifyInstance;
  readonly flows: MemoryFlows;
  readonly executions: MemoryExecutions;
  /** Lines of the log, each starting with its level. */
  readonly lines: string[];
}

/** An API over flows, executions and revisions in memory, with `jobx/jobx` already submitted unless `isEmpty`. */
export async function apiWith(props: Partial<ApiProps> & { readonly isEmpty?: boolean } = {}): Promise<TestApi> {
  const flows = new MemoryFlows();
  const executions = new MemoryExecutions();
  const revisions = new RevisionController(new MemoryRevisionStore());
  const lines: string[] = [];
  const log: Log = (level, text) => void lines.push(`${level} ${text}`);
  const app = createApi({ service: flows, executions, revisions, access: open, log, ...props });
  await app.ready();
  if (props.isEmpty !== true) {
    await flows.submit(flow, document, { by: 'the test' });
    flows.requests.length = 0;
  }
  return { app, flows, executions, lines };
}
