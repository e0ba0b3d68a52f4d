import { type LogLine, logQuerySchema } from '../../../api-contract/flow-history';
import type { FlowStatus } from '../../../api-contract/flow-status';
import { ApiError } from '../http/api-error';
import type { ApiParts } from '../http/api-parts';
import type { ApiScope } from '../http/api-scope';
import { orSilence } from '../http/or-silence';
import { preferredType } from '../http/preferred-type';
import { flowParams, problemsOf, textAnswer } from './route-schemas';

const linesType = 'application/x-ndjson';

/** What functions have written. */
export function addLogsRoutes(app: ApiScope, { service, streams, keepAliveMs }: ApiParts): void {
  app.get(
    '/kflows/v1/:namespace/:jobId/logs',
    {
      config: { role: 'view' },
      schema: {
        operationId: 'readLogs',
        summary: 'What the functions of a flow have written',
        description:
          'One LogLine a line; as text, the replica before each line. With `follow` it goes on until the replicas are gone, and while they write nothing there is an empty line now and then among the LogLines.',
        tags: ['events'],
        params: flowParams,
        querystring: logQuerySchema,
        response: { 200: textAnswer('the lines', linesType, 'text/plain'), ...problemsOf(400, 404) },
      },
    },
    async (request, reply) => {
      const { query } = request;
      assertFunction(await service.status(request.params), query.function);
      const isJson = preferredType(request.headers.accept, [linesType, 'text/plain']) === linesType;
      const chunks = (signal: AbortSignal) => {
        const lines = service.logs(request.params, query, signal);
        if (!isJson) return written(lines, asText);
        return query.follow ? keptAlive(written(lines, asJson), keepAliveMs) : written(lines, asJson);
      };
      return streams.send(reply, { type: `${isJson ? linesType : 'text/plain'}; charset=utf-8`, chunks });
    },
  );
}

/** Of a flow that is closed the functions are not known. */
function assertFunction({ functions }: FlowStatus, asked: string | undefined): void {
  const ids = functions.map((fn) => fn.function);
  if (asked === undefined || ids.length === 0 || ids.includes(asked)) return;
  const message = `no function has the id "${asked}"; it has ${ids.join(', ')}`;
  throw new ApiError(400, 'request-invalid', message);
}

/** The texts as they come, and an empty line whenever there was none for so long that somebody on the way could hang up. */
async function* keptAlive(texts: AsyncGenerator<string>, everyMs: number): AsyncGenerator<string> {
  try {
    for (let next = texts.next(); ; ) {
      const got = await orSilence(next, everyMs);
      if (got !== 'silence' && got.done === true) return;
      yield got === 'silence' ? '\n' : got.value;
      if (got !== 'silence') next = texts.next();
    }
  } finally {
    await texts.return(undefined);
  }
}

async function* written(lines: AsyncIterable<LogLine>, write: (line: LogLine) => string): AsyncGenerator<string> {
  for await (const line of lines) yield write(line);
}

function asJson(line: LogLine): string {
  return `${JSON.stringify(line)}\n`;
}

function asText({ replica, line }: LogLine): string {
  return `${replica}  ${line}\n`;
}
