import type { ApiParts } from './api-parts';
import type { ApiScope } from './api-scope';
import { preferredType } from './preferred-type';
import { flowParams, problemsOf, textAnswer } from './route-schemas';
import { type LogLine, logQuerySchema } from './schemas';

const linesType = 'application/x-ndjson';

/** What functions have written. */
export function addLogsRoutes(app: ApiScope, { service, streams }: ApiParts): void {
  app.get(
    '/kflows/v1/:namespace/:jobId/logs',
    {
      config: { role: 'view' },
      schema: {
        operationId: 'readLogs',
        summary: 'What the functions of a flow have written',
        description:
          'One LogLine a line; as text, the replica before each line. With `follow` it goes on until the replicas are gone.',
        tags: ['events'],
        params: flowParams,
        querystring: logQuerySchema,
        response: { 200: textAnswer('the lines', linesType, 'text/plain'), ...problemsOf(400, 404) },
      },
    },
    async (request, reply) => {
      await service.status(request.params);
      const { accept } = request.headers;
      const type = preferredType(accept, [linesType, 'text/plain']);
      const chunks = (signal: AbortSignal) =>
        written(service.logs(request.params, request.query, signal), type === linesType ? asJson : asText);
      return streams.send(reply, { type: `${type}; charset=utf-8`, chunks });
    },
  );
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
