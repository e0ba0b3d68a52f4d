import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { ConfigError } from '../../../lib/errors';
import { type FlowKey, flowName } from '../../api-contract/flow-key';
import type { KubernetesObject } from '../../controller/ports/kubernetes-object';
import type { ServerDecisions } from './node-servers';
import type { WorkloadNode } from './workload-node';

const applySchema = z.object({ objects: z.array(z.custom<KubernetesObject>((value) => typeof value === 'object')) });
const refSchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.object({ name: z.string(), namespace: z.string().optional() }),
});
const serverSchema = z.object({ connectsTo: z.enum(['search-server', 'nats-server']), addr: z.string().optional() });
const pruneSchema = z.object({ keep: z.array(refSchema), now: z.boolean() });

export interface NodeServiceProps {
  readonly node: WorkloadNode;
  readonly servers: ServerDecisions;
  /** Aborted when the node closes; ends the logs that are being followed. */
  readonly closing: AbortSignal;
  readonly log?: ((line: string) => void) | undefined;
}

/** The HTTP API of a process node: `/watch`, `/metrics`, `/servers`, and `/flows/<namespace>/<jobId>/…` for one flow. */
export class NodeService {
  constructor(private readonly props: NodeServiceProps) {}

  /** Never rejects: an error becomes the response. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const log = (error: Error) => this.props.log?.(`${request.method} ${request.url}: ${error.message}`);
    response.on('error', log);
    await this.route(request, response).catch((error: Error) => {
      log(error);
      fail(response, error);
    });
  }

  private async route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { node, servers } = this.props;
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://node');
    if (pathname === '/watch') return this.watch(response);
    if (pathname === '/metrics') return send(response, 200, { text: await node.metrics() });
    if (pathname === '/servers') {
      const isQuestion = request.method === 'GET';
      const decided = isQuestion ? servers.all() : await servers.decide(await readBody(request, serverSchema));
      return send(response, 200, decided);
    }
    const [, , namespace = '', jobId = '', what] = pathname.split('/');
    const flow = { namespace, jobId };
    switch (`${request.method} ${what}`) {
      case 'PUT objects':
        node.apply(flow, (await readBody(request, applySchema)).objects);
        return send(response, 200, {});
      case 'POST prune': {
        const { keep, now } = await readBody(request, pruneSchema);
        node.prune(flow, keep, now);
        return send(response, 200, {});
      }
      case 'GET workloads':
        return send(response, 200, node.workloads(flow));
      case 'GET logs':
        return this.logs(flow, searchParams, response);
      default:
        return send(response, 404, {
          code: 'config-invalid',
          message: `unknown request: ${request.method} ${pathname}`,
        });
    }
  }

  /** One line with all flows, then a line with the changed flows after each change. */
  private watch(response: ServerResponse): void {
    const { node } = this.props;
    const changed = new Map<string, FlowKey>();
    const write = (flows: readonly FlowKey[]) => response.destroyed || response.write(`${JSON.stringify(flows)}\n`);
    const end = node.onChange((flow) => {
      if (changed.size === 0) {
        setImmediate(() => {
          write([...changed.values()]);
          changed.clear();
        });
      }
      changed.set(flowName(flow), flow);
    });
    response.on('close', end);
    write(node.flows());
  }

  private async logs(flow: FlowKey, query: URLSearchParams, response: ServerResponse): Promise<void> {
    const { node } = this.props;
    const closed = new AbortController();
    response.on('close', () => closed.abort());
    const signal = AbortSignal.any([this.props.closing, closed.signal]);
    const follow = query.get('follow') === 'true';
    const tail = query.get('tailLines');
    const options = { follow, signal, ...(tail === null ? {} : { tailLines: Number(tail) }) };
    const replica = query.get('replica');
    const names = node.named({ ...flow, function: query.get('function') ?? '', ...(replica && { replica }) });
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
    response.flushHeaders();
    const copy = async (name: string) => {
      for await (const line of node.logOf(flow, name, options)) {
        if (signal.aborted) return;
        // when the response was closed meanwhile, the next iteration returns
        if (!response.write(`${line}\n`)) await once(response, 'drain', { signal }).catch(() => undefined);
      }
    };
    // followed logs are interleaved as they are written
    if (follow) await Promise.all(names.map(copy));
    else for (const name of names) await copy(name);
    response.end();
  }
}

async function readBody<T>(request: IncomingMessage, schema: z.ZodType<T>): Promise<T> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const parsed = schema.safeParse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
  if (parsed.success) return parsed.data;
  throw new ConfigError('config-invalid', `${request.url}: ${z.prettifyError(parsed.error)}`);
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function fail(response: ServerResponse, error: Error): void {
  if (response.headersSent) response.destroy();
  else if (error instanceof ConfigError) send(response, 422, { code: error.code, message: error.message });
  else send(response, 500, { code: 'server-failed', message: error.message });
}
