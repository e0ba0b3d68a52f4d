import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, type Server, request as sendRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { connectCluster, sharedKubeconfig } from './support';

const POLL_MS = 50;

/**
 * A proxy of the API server with its certificate. It forwards everything except logs, which an API server would request
 * from the pod's node: the proxy serves those itself.
 */
export class ApiProxy {
  private readonly agent: Agent;
  private readonly server: Server;
  /** Log lines by pod, with timestamps. */
  private readonly logs = new Map<string, string[]>();
  private readonly passing = new Set<{ readonly from: IncomingMessage; readonly to: ServerResponse }>();
  private readonly followed = new Set<ServerResponse>();
  /** Number of watch requests. */
  watches = 0;
  private isForgetful = false;
  /** Requests that wait, with the right that they need. */
  private held: { readonly right: string; readonly waiting: (() => void)[] } | undefined;
  /** Requests in terms of RBAC: `patch apps/deployments`. An apply that creates an object counts as `create`, too. */
  readonly used = new Set<string>();
  /** Messages of requests that RBAC rejected. */
  readonly forbidden: string[] = [];

  private constructor(
    private readonly target: string,
    directory: string,
  ) {
    const certificates = join(directory, 'apiserver', 'certificates');
    const cert = readFileSync(join(certificates, 'apiserver.crt'));
    this.agent = new Agent({ ca: cert, keepAlive: true });
    this.server = createServer(
      { cert, key: readFileSync(join(certificates, 'apiserver.key')) },
      (request, response) => {
        const pod = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/log\?(.*)$/.exec(request.url ?? '');
        if (pod === null) this.pass(request, response);
        else void this.answerLog(pod.slice(1), response);
      },
    );
  }

  static async open(kubeconfig = sharedKubeconfig()): Promise<ApiProxy> {
    const config = JSON.parse(readFileSync(kubeconfig, 'utf8'));
    const proxy = new ApiProxy(config.clusters[0].cluster.server, dirname(kubeconfig));
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** Writes the kubeconfig with the address of the proxy beside the original. */
  kubeconfig(file: string): string {
    const { port } = this.server.address() as AddressInfo;
    const own = `${file}.proxy`;
    writeFileSync(own, readFileSync(file, 'utf8').replace(this.target, `https://127.0.0.1:${port}`));
    return own;
  }

  /** Adds a log line of a pod. */
  write(pod: string, line: string): void {
    const lines = this.linesOf(pod);
    lines.push(stamped(line, lines.length));
  }

  /** Breaks the connections of followed logs. */
  cutLogs(): void {
    for (const response of this.followed) response.destroy();
  }

  /** Number of logs being followed. */
  get followers(): number {
    return this.followed.size;
  }

  /** Silences all present connections without closing them. */
  freeze(): void {
    for (const { from, to } of this.passing) from.unpipe(to);
  }

  /** Lets requests that need this right, such as `patch apps/deployments`, wait. Returns a function that lets them go. */
  hold(right: string): () => void {
    const waiting: (() => void)[] = [];
    this.held = { right, waiting };
    return () => {
      this.held = undefined;
      for (const go of waiting) go();
    };
  }

  /** Makes the next watch start at a resource version that has expired. */
  forget(): void {
    this.isForgetful = true;
  }

  /** Takes the API server away, also from requests in progress. Returns a function that brings it back. */
  async goAway(): Promise<() => Promise<void>> {
    const { port } = this.server.address() as AddressInfo;
    await this.endConnections();
    return () => new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve));
  }

  async close(): Promise<void> {
    await this.endConnections();
    this.agent.destroy();
  }

  private async endConnections(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  private pass(request: IncomingMessage, response: ServerResponse): void {
    const { method, headers } = request;
    if (this.held !== undefined && rightFor(method ?? '', request.url ?? '') === this.held.right) {
      this.held.waiting.push(() => this.pass(request, response));
      return;
    }
    const isWatch = request.url?.includes('watch=true');
    if (isWatch) this.watches++;
    const url =
      this.isForgetful && isWatch ? request.url?.replace(/resourceVersion=\d+/, 'resourceVersion=1') : request.url;
    if (url !== request.url) this.isForgetful = false;
    const onward = sendRequest(`${this.target}${url}`, { method, headers, agent: this.agent }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      this.note(request, answer);
      const entry = { from: answer, to: response };
      this.passing.add(entry);
      answer.pipe(response);
      answer.once('close', () => this.passing.delete(entry));
    });
    onward.once('error', () => response.destroy());
    response.once('close', () => onward.destroy());
    request.pipe(onward);
  }

  private note({ method = '', url = '' }: IncomingMessage, answer: IncomingMessage): void {
    const right = rightFor(method, url);
    if (right === undefined) return;
    this.used.add(right);
    if (answer.statusCode === 201 && method === 'PATCH') this.used.add(right.replace('patch', 'create'));
    if (answer.statusCode !== 403) return;
    let text = '';
    answer.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    answer.once('end', () => this.forbidden.push(text));
  }

  private async answerLog([namespace = '', name = '', query]: readonly string[], response: ServerResponse) {
    this.used.add('get pods/log');
    const asked = new URLSearchParams(query);
    const since = asked.get('sinceTime') ?? '';
    const tail = asked.get('tailLines');
    const lines = this.linesOf(name);
    let next = tail === null ? 0 : Math.max(0, lines.length - Number(tail));
    const send = () => {
      for (const line of lines.slice(next)) if (line.slice(0, 19) >= since.slice(0, 19)) response.write(`${line}\n`);
      next = lines.length;
    };
    response.writeHead(200);
    send();
    if (asked.get('follow') === 'true') {
      this.followed.add(response.once('close', () => this.followed.delete(response)));
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace } };
      const objects = await connectCluster();
      while (!response.destroyed && (await objects.read(pod)) !== undefined) {
        send();
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    }
    response.end();
  }

  private linesOf(pod: string): string[] {
    const lines = this.logs.get(pod) ?? [stamped('started', 0), stamped('ready', 1)];
    this.logs.set(pod, lines);
    return lines;
  }
}

/** The right that a request needs; undefined for requests without objects. */
function rightFor(method: string, url: string): string | undefined {
  const { pathname, searchParams } = new URL(url, 'https://server');
  const match =
    /^\/(?:api|apis\/(?<group>[^/]+))\/v[^/]+(?:\/namespaces\/[^/]+)?\/(?<resource>[a-z]+)(?<name>\/[^/]+)?$/.exec(
      pathname,
    );
  if (match?.groups === undefined) return undefined;
  const { group, resource, name } = match.groups;
  const reads = searchParams.get('watch') === 'true' ? 'watch' : name === undefined ? 'list' : 'get';
  const verb = method === 'GET' ? reads : method.toLowerCase();
  return `${verb} ${group === undefined ? '' : `${group}/`}${resource}`;
}

/** A timestamp as a node writes it, in nanoseconds. */
function stamped(line: string, nanoseconds: number): string {
  const time = new Date().toISOString().slice(0, -1);
  return `${time}${String(nanoseconds).padStart(6, '0')}Z ${line}`;
}
