import type https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import fastify, { type FastifyHttpsOptions, type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { ConfigError } from '../../../lib/errors';
import type { Log } from '../../log';
import type { ExecutionService } from '../executions/ports/execution-service';
import type { FlowService } from '../flows/ports/flow-service';
import type { FlowSteps } from '../flows/ports/flow-steps';
import type { RevisionService } from '../revisions/ports/revision-service';
import type { Access } from './access/access';
import { isEveryAddress, isLoopback } from './access/loopback';
import { describeRoutes } from './http/describe-routes';
import { guardRoutes } from './http/guard-routes';
import { acceptTextBodies } from './http/request-content';
import { refuseOtherMethods, sendProblem, sendProblems } from './http/send-problems';
import { type CertificateFiles, type SecureServer, ServingCertificate } from './http/serving-certificate';
import { drainOnClose, StreamedResponses } from './http/streamed-responses';
import { ApiMetrics, watchRequests } from './http/watch-requests';
import type { AddExecutionRoutes, AddRoutes } from './routes/api-route';
import { addChangeRoutes } from './routes/change-routes';
import { addEndRoutes } from './routes/end-routes';
import { addEventsRoutes } from './routes/events-routes';
import { addExecutionChangeRoutes } from './routes/execution-change-routes';
import { addExecutionRoutes } from './routes/execution-routes';
import { addHistoryRoutes } from './routes/history-routes';
import { addLetterRoutes } from './routes/letter-routes';
import { addLogsRoutes } from './routes/logs-routes';
import { addRevisionRoutes } from './routes/revision-routes';
import { addScheduleRoutes } from './routes/schedule-routes';
import { addServerRoutes } from './routes/server-routes';
import { addStatusRoutes } from './routes/status-routes';
import { addStepRoutes } from './routes/step-routes';
import { addSubmitRoutes } from './routes/submit-routes';
import { addTaskEventRoutes } from './routes/task-event-routes';
import { addWorkflowArchives } from './workflows/workflow-archives';
import { addWorkflowChanges } from './workflows/workflow-changes';
import { addWorkflowReads } from './workflows/workflow-reads';

/** Every route of the API, in the order of the OpenAPI document. Each one has a row in docs/api.md. */
const allRoutes: readonly AddRoutes[] = [
  addSubmitRoutes,
  addStatusRoutes,
  addEndRoutes,
  addChangeRoutes,
  addHistoryRoutes,
  addEventsRoutes,
  addLogsRoutes,
  addLetterRoutes,
  addStepRoutes,
  addServerRoutes,
];

/** The routes of executions, before those of the controller itself. */
const executionRoutes: readonly AddExecutionRoutes[] = [
  addExecutionRoutes,
  addExecutionChangeRoutes,
  addScheduleRoutes,
  addTaskEventRoutes,
  addWorkflowReads,
  addWorkflowChanges,
  addWorkflowArchives,
];

/** What the API serves: flows, executions and revisions, or only the steps of one flow. */
type Served =
  | { readonly service: FlowService; readonly executions?: ExecutionService; readonly revisions?: RevisionService }
  | { readonly steps: FlowSteps };

export type ApiProps = Served & ApiSettings;

interface ApiSettings {
  readonly access: Access;
  readonly log: Log;
  /** Interval of comments on event streams without events; default: 10 s. */
  readonly keepAliveMs?: number;
  /** Metrics of the replicas that Prometheus cannot scrape itself; `/metrics` has them beside those of the controller. */
  readonly replicaMetrics?: () => Promise<string>;
  /** Serves HTTPS with this certificate; default: HTTP. */
  readonly tls?: SecureContextOptions;
}

export type StartApiProps = Served & Omit<ApiSettings, 'tls'> & ListenProps;

interface ListenProps {
  readonly host: string;
  /** Files of the certificate, which are read again when they change; default: HTTP. */
  readonly tls?: CertificateFiles;
  /** 0 picks a free port. */
  readonly port: number;
}

export interface RunningApi {
  /** URL by which this machine can reach the API. */
  readonly url: string;
  readonly port: number;
  /** Sends clients away: each response from now on ends its connection, while new connections are still accepted. */
  drain(): void;
  /** Ends streams, waits for pending responses, and resolves when the port is free. */
  close(): Promise<void>;
}

/** How long a client may take to send a request, which may contain a document of 32 MiB. */
const requestTimeoutMs = 120_000;

/** Resolves when the API listens. Throws ConfigError if it cannot listen there, or if an open API would not be on loopback. */
export async function startApi({ host, port, tls, ...props }: StartApiProps): Promise<RunningApi> {
  if (props.access.kind === 'open' && !isLoopback(host)) {
    const message = `listen.host ${host}: without tokens, everybody who can connect would be an admin; set access to a token file or an OIDC issuer, or listen on 127.0.0.1`;
    throw new ConfigError('config-invalid', message);
  }
  const certificate = tls && (await ServingCertificate.open(tls, props.log));
  const app = createApi({ ...props, ...(certificate === undefined ? {} : { tls: certificate.options }) });
  let isDraining = false;
  app.addHook('onSend', async (_request, reply) => {
    if (isDraining) reply.header('connection', 'close');
  });
  try {
    await app.listen({ host, port });
  } catch (cause) {
    await app.close();
    throw listenError(host, port, cause as NodeJS.ErrnoException);
  }
  const address = app.server.address() as AddressInfo;
  const name = isEveryAddress(host) ? '127.0.0.1' : host;
  const url = `http${tls === undefined ? '' : 's'}://${name.includes(':') ? `[${name}]` : name}:${address.port}`;
  certificate?.keep(app.server as unknown as SecureServer);
  const close = async () => {
    certificate?.close();
    await app.close();
  };
  const drain = () => {
    isDraining = true;
  };
  return { url, port: address.port, drain, close };
}

/** The REST API of a controller, not listening yet. An open API must listen on loopback only, which `startApi` ensures. */
export function createApi(props: ApiProps): FastifyInstance {
  const { access, log, keepAliveMs = 10_000, replicaMetrics, tls } = props;
  const app = newServer({
    requestTimeout: requestTimeoutMs,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    return503OnClosing: false, // requests on open connections are still handled
    // the schemas reject longer names with a message; the router would only respond with 404
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 1_000 },
    ...(tls === undefined ? {} : { tls }),
    frameworkErrors: (error, request, reply) => void sendProblem(error, { request, reply, log }),
  });
  app.setValidatorCompiler(validatorCompiler);
  // TypeScript checks responses against their schemas; serializing by schema would drop or reject extra fields
  app.setSerializerCompiler(() => JSON.stringify);
  const metrics = new ApiMetrics(replicaMetrics);
  sendProblems(app, log);
  acceptTextBodies(app);
  watchRequests(app, { log, metrics });
  guardRoutes(app, access);
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  });
  const streams = new StreamedResponses(log);
  drainOnClose(app, streams);

  describeRoutes(app, access.kind === 'open');
  void app.register((scope, _options, done) => {
    const refuseThem = refuseOtherMethods(scope);
    const typed = () => scope.withTypeProvider<ZodTypeProvider>();
    if ('steps' in props) addStepRoutes(typed(), { service: props });
    else {
      const { service, executions, revisions } = props;
      const common = { streams, metrics, keepAliveMs };
      for (const addRoutes of allRoutes) addRoutes(typed(), { service, ...common });
      if (executions !== undefined)
        for (const addRoutes of executionRoutes) addRoutes(typed(), { executions, ...common });
      if (revisions !== undefined) addRevisionRoutes(typed(), { revisions });
    }
    refuseThem();
    done();
  });
  return app;
}

/** Everything but the socket is the same for HTTP and HTTPS. */
function newServer({ tls, ...options }: FastifyServerOptions & { readonly tls?: SecureContextOptions }) {
  if (tls === undefined) return fastify(options);
  const secured = fastify({ ...(options as FastifyHttpsOptions<https.Server>), https: tls });
  return secured as unknown as FastifyInstance;
}

function listenError(host: string, port: number, cause: NodeJS.ErrnoException): ConfigError {
  const reason = cause.code === 'EADDRINUSE' ? 'the port is in use' : cause.message;
  return new ConfigError('config-invalid', `cannot listen on port ${port} of ${host}: ${reason}`, { cause });
}
