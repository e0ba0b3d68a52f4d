import { z } from 'zod';
import { type ChangedFlow, changedFlowSchema, type ReplayRequest } from '../../api-contract/flow-changes';
import {
  type EventQuery,
  eventSchema,
  type FlowEventView,
  type LogLine,
  type LogQuery,
  logLineSchema,
  type RevisionView,
  revisionSchema,
} from '../../api-contract/flow-history';
import type { FlowKey } from '../../api-contract/flow-key';
import { type FlowStatus, flowStatusSchema } from '../../api-contract/flow-status';
import { type ControllerConnection, type DocumentBody, headerText } from './controller-connection';
import { readLines, serverSentEvents } from './event-stream';

/** The response to a change; `outcome` is missing for requests with only one outcome. */
export interface ChangeAnswer {
  readonly outcome?: string;
  readonly status: ChangedFlow;
}

/** Bodies of changes, by the last part of their path. */
export interface ChangeBodies {
  readonly pause: { readonly functions: readonly string[] };
  readonly resume: { readonly functions: readonly string[] };
  readonly restart: { readonly functions: readonly string[] };
  readonly scale: { readonly replicas: { readonly [functionId: string]: number } };
  readonly rollback: { readonly revision?: number };
  readonly replay: ReplayRequest;
}

/** Flows per page of a list. */
const pageSize = 500;

/** The controller's REST API. Every call may throw ControllerUnavailable, or ApiRefusal with the controller's problem. */
export class ControllerClient {
  constructor(
    private readonly connection: ControllerConnection,
    /** Reason for the audit log; sent with every change. */
    private readonly comment?: string,
  ) {}

  submit(flow: FlowKey, document: DocumentBody): Promise<ChangeAnswer> {
    return this.send('POST', flowPath(flow), document);
  }

  /** Without `namespace`, that of the document or, if it has none, that of the only flow with its jobId. */
  update(document: DocumentBody, namespace?: string): Promise<ChangeAnswer> {
    return this.send('POST', `/kflows/update/v1${queryOf({ namespace })}`, document);
  }

  end(flow: FlowKey, ending: 'delete' | 'force' | 'stop'): Promise<ChangeAnswer> {
    return this.send('DELETE', `${flowPath(flow)}${ending === 'delete' ? '' : `?${ending}=true`}`);
  }

  change<Kind extends keyof ChangeBodies>(flow: FlowKey, kind: Kind, body: ChangeBodies[Kind]): Promise<ChangeAnswer> {
    const document = { text: JSON.stringify(body), contentType: 'application/json' } as const;
    return this.send('POST', `${flowPath(flow)}/${kind}`, document);
  }

  async status(flow: FlowKey): Promise<FlowStatus> {
    return this.connection.json(flowStatusSchema, await this.connection.get(flowPath(flow)));
  }

  /** Every flow of one namespace or of all; with `id`, those of this jobId. */
  async list(namespace: string | undefined, { id }: { readonly id?: string } = {}): Promise<readonly FlowStatus[]> {
    const flows: FlowStatus[] = [];
    let next: string | undefined;
    do {
      const query = queryOf({ id, limit: pageSize, continue: next });
      const answer = await this.connection.get(`/kflows/v1${namespace ? `/${namespace}` : ''}${query}`);
      flows.push(...(await this.connection.json(z.array(flowStatusSchema), answer)));
      next = answer.headers.get('kflow-continue') || undefined;
    } while (next !== undefined);
    return flows;
  }

  async history(flow: FlowKey): Promise<readonly RevisionView[]> {
    return this.connection.json(z.array(revisionSchema), await this.connection.get(`${flowPath(flow)}/history`));
  }

  /** The document of a revision, with its secrets hidden. */
  async document(flow: FlowKey, revision: number): Promise<string> {
    return this.connection.text(`${flowPath(flow)}/history/${revision}`, 'application/yaml');
  }

  async diff(flow: FlowKey, revisions: { readonly from?: number; readonly to?: number }): Promise<string> {
    return this.connection.text(`${flowPath(flow)}/diff${queryOf(revisions)}`, 'text/plain');
  }

  /** The last events of a flow, of a namespace or of all flows, the oldest first. */
  async events(of: Partial<FlowKey>, query: Partial<EventQuery>): Promise<readonly FlowEventView[]> {
    return this.connection.json(z.array(eventSchema), await this.connection.get(eventsPath(of, query)));
  }

  /** The last `limit` events, then new ones as they happen; with `after`, an event id, only those after it. */
  async *followEvents(
    of: Partial<FlowKey>,
    { after, limit }: { readonly after?: string; readonly limit?: number },
  ): AsyncGenerator<FlowEventView> {
    const headers = new Headers(after === undefined ? {} : { 'last-event-id': after });
    const body = await this.connection.stream(eventsPath(of, { limit }), {
      accept: 'text/event-stream',
      headers,
      isKeptAlive: true,
    });
    for await (const { data } of serverSentEvents(body)) yield this.connection.checked(eventSchema, data);
  }

  /** The current status, then every changed status until the flow has closed. */
  async *followStatus(flow: FlowKey, signal?: AbortSignal): AsyncGenerator<FlowStatus> {
    const body = await this.connection.stream(flowPath(flow), {
      accept: 'text/event-stream',
      signal,
      isKeptAlive: true,
    });
    for await (const { event, data } of serverSentEvents(body)) {
      if (event === 'status') yield this.connection.checked(flowStatusSchema, data);
    }
  }

  async *logs(flow: FlowKey, query: Partial<LogQuery>): AsyncGenerator<LogLine> {
    const path = `${flowPath(flow)}/logs${queryOf(query)}`;
    const body = await this.connection.stream(path, {
      accept: 'application/x-ndjson',
      isKeptAlive: query.follow === true,
    });
    for await (const line of readLines(body)) if (line !== '') yield this.connection.checked(logLineSchema, line);
  }

  private async send(method: 'POST' | 'DELETE', path: string, document?: DocumentBody): Promise<ChangeAnswer> {
    const headers = new Headers();
    if (this.comment !== undefined) headers.set('kflow-comment', headerText(this.comment));
    const answer = await this.connection.send(method, path, { document, headers });
    const status = await this.connection.json(changedFlowSchema, answer);
    const outcome = answer.headers.get('kflow-outcome') || undefined;
    return { status, ...(outcome === undefined ? {} : { outcome }) };
  }
}

/** The path of a flow's routes. */
export function flowPath({ namespace, jobId }: FlowKey): string {
  return `/kflows/v1/${encodeURIComponent(namespace)}/${encodeURIComponent(jobId)}`;
}

function eventsPath({ namespace, jobId }: Partial<FlowKey>, query: Partial<EventQuery>): string {
  if (namespace !== undefined && jobId !== undefined)
    return `${flowPath({ namespace, jobId })}/events${queryOf(query)}`;
  return `/kflows/events/v1${queryOf({ namespace, ...query })}`;
}

export function queryOf(values: { readonly [name: string]: unknown }): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? '' : `?${query}`;
}
