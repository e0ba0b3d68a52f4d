import { type LogLine, logQuerySchema } from '../../../api-contract/flow-history';
import type { FlowStatus } from '../../../api-contract/flow-status';
import { ApiError } from '../http/api-error';
import { preferredType } from '../http/request-content';
import { keepAlive } from '../http/server-events';
import { type ApiParts, type ApiScope, readRoute } from './api-route';
import { flowParams, textResponse } from './route-schemas';

const linesType = 'application/x-ndjson';

/** Routes for the logs of a flow's replicas. */
export function addLogsRoutes(app: ApiScope, { service, streams, keepAliveMs }: ApiParts): void {
  app.get(
    '/kflows/v1/:namespace/:jobId/logs',
    readRoute({
      role: 'view',
      operationId: 'readLogs',
      summary: 'Read or follow the logs of a flow',
      description:
        'One LogLine per line; as text, each line starts with the replica. With `follow`, the response continues until the replicas are gone, and contains an empty line whenever nothing was written for a while.',
      tag: 'events',
      params: flowParams,
      querystring: logQuerySchema,
      responses: { 200: textResponse('the lines', linesType, 'text/plain') },
      problems: [400, 404],
    }),
    async (request, reply) => {
      const { query } = request;
      assertFunction(await service.status(request.params), query.function);
      const isJson = preferredType(request.headers.accept, [linesType, 'text/plain']) === linesType;
      const chunks = (signal: AbortSignal) => {
        const lines = encodeLines(service.logs(request.params, query, signal), isJson ? toJson : toText);
        return isJson && query.follow ? keepAlive(lines, { everyMs: keepAliveMs, filler: '\n' }) : lines;
      };
      return streams.send(reply, {
        type: `${isJson ? linesType : 'text/plain'}; charset=utf-8`,
        chunks,
        isWhole: true,
      });
    },
  );
}

/** Throws ApiError 400 for a function that the flow does not have. The functions of a closed flow may be unknown. */
function assertFunction({ functions }: FlowStatus, id: string | undefined): void {
  const ids = functions.map((fn) => fn.function);
  if (id === undefined || ids.length === 0 || ids.includes(id)) return;
  const message = `no function has the id "${id}"; the flow has ${ids.join(', ')}`;
  throw new ApiError(400, 'request-invalid', message);
}

async function* encodeLines(lines: AsyncIterable<LogLine>, encode: (line: LogLine) => string): AsyncGenerator<string> {
  for await (const line of lines) yield encode(line);
}

function toJson(line: LogLine): string {
  return `${JSON.stringify(line)}\n`;
}

function toText({ replica, line }: LogLine): string {
  return `${replica}  ${line}\n`;
}
