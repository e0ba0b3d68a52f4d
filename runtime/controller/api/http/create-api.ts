import fastify, { type FastifyInstance } from 'fastify';
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Log } from '../../../log';
import type { FlowService } from '../../flows/ports/flow-service';
import type { Access } from '../access/access';
import { guardRoutes } from '../access/guard-routes';
import { addChangeRoutes } from '../routes/change-routes';
import { addEndRoutes } from '../routes/end-routes';
import { addEventsRoutes } from '../routes/events-routes';
import { addHistoryRoutes } from '../routes/history-routes';
import { addLogsRoutes } from '../routes/logs-routes';
import { addServerRoutes } from '../routes/server-routes';
import { addStatusRoutes } from '../routes/status-routes';
import { addSubmitRoutes } from '../routes/submit-routes';
import { answerProblems, refuseOtherMethods, sendProblem } from './answer-problems';
import { ApiMetrics } from './api-metrics';
import type { ApiParts } from './api-parts';
import type { ApiScope } from './api-scope';
import { describeRoutes } from './describe-routes';
import { finishRequests } from './finish-requests';
import { OpenStreams } from './open-streams';
import { takeTextBodies } from './text-bodies';
import { watchRequests } from './watch-requests';

export interface ApiProps {
  readonly service: FlowService;
  readonly access: Access;
  readonly log: Log;
  /** Left out: its own. */
  readonly metrics?: ApiMetrics;
  /** Between comments on silent streams of events; 10 s when left out. */
  readonly keepAliveMs?: number;
}

/** How long a client may take to send a request, a document of 32 MiB included. */
const requestTimeout = 120_000;

/** The REST API of a controller; it listens when it is told to. An open one must listen on loopback only, as `startApi` sees to. */
export function createApi(props: ApiProps): FastifyInstance {
  const { service, access, log, metrics = new ApiMetrics(), keepAliveMs = 10_000 } = props;
  const app = fastify({
    requestTimeout,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    return503OnClosing: false, // what arrives before its connection ends is answered as ever
    // Names that are too long are told what is wrong with them; the router would only say that there is no such path.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 1_000 },
    frameworkErrors: (error, request, reply) => void sendProblem(error, { request, reply, log }),
  });
  app.setValidatorCompiler(validatorCompiler);
  // An answer is typed by the schema that describes it: one that strays from it is better than none.
  app.setSerializerCompiler(() => JSON.stringify);
  answerProblems(app, log);
  takeTextBodies(app);
  watchRequests(app, { log, metrics });
  guardRoutes(app, access);
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  });
  const streams = new OpenStreams(log);
  finishRequests(app, streams);

  describeRoutes(app, access.kind === 'open');
  void app.register((scope, _options, done) => {
    const refuseThem = refuseOtherMethods(scope);
    addRoutes(scope.withTypeProvider<ZodTypeProvider>(), { service, streams, keepAliveMs }, metrics);
    refuseThem();
    done();
  });
  return app;
}

function addRoutes(app: ApiScope, parts: ApiParts, metrics: ApiMetrics): void {
  addSubmitRoutes(app, parts.service);
  addStatusRoutes(app, parts);
  addEndRoutes(app, parts.service);
  addChangeRoutes(app, parts.service);
  addHistoryRoutes(app, parts.service);
  addEventsRoutes(app, parts);
  addLogsRoutes(app, parts);
  addServerRoutes(app, { service: parts.service, metrics });
}
