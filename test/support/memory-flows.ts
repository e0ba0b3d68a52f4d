import { EventEmitter, on } from 'node:events';
import { StateError } from '../../lib/errors';
import { TopologyError } from '../../lib/topology/problem/problem';
import type { ReplayRequest } from '../../runtime/api-contract/flow-changes';
import type { FlowEventView, LogLine, LogQuery } from '../../runtime/api-contract/flow-history';
import { type FlowKey, flowName } from '../../runtime/api-contract/flow-key';
import type { FlowStatus } from '../../runtime/api-contract/flow-status';
import { diffDocuments } from '../../runtime/controller/flows/documents/diff-documents';
import { hideSecrets } from '../../runtime/controller/flows/documents/hide-secrets';
import { readFlowDocument, readFlowNames } from '../../runtime/controller/flows/documents/read-flow-document';
import type { Ending, FlowService, Requester, SubmitResult } from '../../runtime/controller/flows/ports/flow-service';

interface MemoryFlow {
  status: FlowStatus;
  readonly documents: string[];
  readonly by: Requester[];
}

/** Time of everything that happens here. */
const at = '2026-01-31T08:00:00.000Z';

/** Flows without anything that runs: requests change their status at once, and tests say what happens next. */
export class MemoryFlows implements FlowService {
  readonly requests: string[] = [];
  readonly lines: LogLine[] = [];
  readonly past: FlowEventView[] = [];
  private readonly flows = new Map<string, MemoryFlow>();
  private readonly changes = new EventEmitter();

  /** Puts another state over that of a flow. */
  become(name: string, state: Partial<FlowStatus>): void {
    const flow = this.flows.get(name);
    if (flow === undefined) throw new Error(`no flow ${name}`);
    flow.status = { ...flow.status, ...state };
    this.changes.emit('status');
  }

  forget(name: string): void {
    this.flows.delete(name);
  }

  happen(event: Pick<FlowEventView, 'id' | 'kind' | 'what'> & Partial<FlowEventView>): void {
    const full = { at, namespace: 'default', jobId: 'words', ...event };
    this.past.push(full);
    this.changes.emit('event', full);
  }

  documentOf(name: string): string | undefined {
    return this.flows.get(name)?.documents.at(-1);
  }

  async submit(key: FlowKey, text: string, requester: Requester): Promise<SubmitResult> {
    const topology = readFlowDocument(text, key);
    const known = this.flows.get(flowName(key));
    if (known !== undefined && known.status.closeTime === null) {
      if (known.documents.at(-1) === text) return { outcome: 'unchanged', status: known.status };
      throw new StateError('flow-exists', `${flowName(key)} runs with another document`);
    }
    const status: FlowStatus = {
      ...started(key),
      mode: topology.mode,
      functions: topology.dag.map((fn) => ({
        ...idle(fn.id, fn.type),
        replicas: fn.parallelism,
        ready: fn.parallelism,
      })),
    };
    this.flows.set(flowName(key), { status, documents: [text], by: [requester] });
    this.took(key, 'submit', requester);
    return { outcome: known === undefined ? 'started' : 'resumed', status };
  }

  async update(namespace: string | undefined, text: string, requester: Requester): Promise<SubmitResult> {
    const names = readFlowNames(text);
    const key = { namespace: namespace ?? names.namespace ?? 'default', jobId: names.jobId ?? '' };
    const flow = this.flow(key);
    const topology = readFlowDocument(text, key);
    const ids = topology.dag.map(({ id }) => id);
    const other = flow.status.functions.findIndex((fn, index) => fn.function !== ids[index]);
    if (other >= 0) {
      const message = `is "${ids[other]}", and was "${flow.status.functions[other]?.function}"`;
      const problem = { severity: 'error', code: 'update-refused', file: 'document', line: 1, col: 1 } as const;
      throw new TopologyError([{ ...problem, path: `dag[${other}].id`, message }]);
    }
    return this.revise(key, text, requester);
  }

  async end(key: FlowKey, ending: Ending, requester: Requester): Promise<FlowStatus> {
    if (ending === 'delete' && this.flow(key).status.status === 'Stopped') {
      throw new StateError('state-invalid', `${flowName(key)} is Stopped and keeps its streams; force=true deletes it`);
    }
    return this.changed(key, `end ${ending}`, requester, { status: 'Stopping' });
  }

  async pause(key: FlowKey, functions: readonly string[], requester: Requester): Promise<FlowStatus> {
    return this.changed(key, `pause ${functions.join(',')}`.trim(), requester, { status: 'Pausing' });
  }

  async resume(key: FlowKey, functions: readonly string[], requester: Requester): Promise<FlowStatus> {
    return this.changed(key, `resume ${functions.join(',')}`.trim(), requester, { status: 'Running' });
  }

  async restart(key: FlowKey, functions: readonly string[], requester: Requester): Promise<FlowStatus> {
    return this.changed(key, `restart ${functions.join(',')}`.trim(), requester, {});
  }

  async scale(key: FlowKey, replicas: { readonly [id: string]: number }, requester: Requester): Promise<SubmitResult> {
    const text = `${this.flow(key).documents.at(-1)}# ${JSON.stringify(replicas)}\n`;
    this.took(key, `scale ${JSON.stringify(replicas)}`, requester);
    return this.revise(key, text, requester);
  }

  async replay(key: FlowKey, { function: name, from }: ReplayRequest, requester: Requester): Promise<FlowStatus> {
    return this.changed(key, `replay ${name} ${JSON.stringify(from)}`, requester, {});
  }

  async rollback(key: FlowKey, revision: number | undefined, requester: Requester): Promise<SubmitResult> {
    const { documents } = this.flow(key);
    return this.revise(key, documents[(revision ?? documents.length - 1) - 1] ?? '', requester);
  }

  async status(key: FlowKey): Promise<FlowStatus> {
    return this.flow(key).status;
  }

  async list(namespace: string | undefined, query: { id?: string; limit: number; continue?: string }) {
    const all = [...this.flows.values()]
      .map(({ status }) => status)
      .filter((status) => namespace === undefined || status.namespace === namespace)
      .filter((status) => query.id === undefined || status.jobId === query.id);
    const from = Number(query.continue ?? 0);
    const next = from + query.limit;
    return { flows: all.slice(from, next), ...(next < all.length ? { continue: String(next) } : {}) };
  }

  async history(key: FlowKey) {
    const { documents, by } = this.flow(key);
    return documents.map((_, index) => ({
      revision: index + 1,
      digest: `d${index}`,
      at,
      ...(by[index] ?? { by: '' }),
      cause: index === 0 ? ('submit' as const) : ('update' as const),
      isProven: true,
      isCurrent: index === documents.length - 1,
    }));
  }

  async document(key: FlowKey, revision?: number): Promise<string> {
    const { documents } = this.flow(key);
    return hideSecrets(documents[(revision ?? documents.length) - 1] ?? '');
  }

  async diff(key: FlowKey, { from, to }: { readonly from?: number; readonly to?: number }): Promise<string> {
    const { documents } = this.flow(key);
    const last = to ?? documents.length;
    const first = from ?? Math.max(1, last - 1);
    const names = { from: `revision ${first}`, to: `revision ${last}` };
    return diffDocuments(documents[first - 1] ?? '', documents[last - 1] ?? '', names);
  }

  async events(_of: Partial<FlowKey>, { limit }: { readonly limit: number }): Promise<readonly FlowEventView[]> {
    return this.past.slice(-limit);
  }

  async followEvents(_of: Partial<FlowKey>, signal: AbortSignal): Promise<AsyncIterable<FlowEventView>> {
    return this.until<FlowEventView>('event', signal);
  }

  async *followStatus(key: FlowKey, signal: AbortSignal): AsyncGenerator<FlowStatus> {
    const changes = this.until('status', signal);
    let told: FlowStatus | undefined;
    do {
      const { status } = this.flow(key);
      if (status !== told) yield status;
      told = status;
    } while (told.closeTime === null && (await changes.next()).done !== true);
  }

  async *logs(_flow: FlowKey, query: LogQuery): AsyncGenerator<LogLine> {
    const wanted = this.lines.filter((line) => query.function === undefined || line.function === query.function);
    yield* query.tail === undefined ? wanted : wanted.slice(-query.tail);
  }

  async whyNotReady(): Promise<readonly string[]> {
    return [];
  }

  private async *until<T>(name: string, signal: AbortSignal): AsyncGenerator<T> {
    try {
      for await (const [item] of on(this.changes, name, { signal })) yield item as T;
    } catch (error) {
      if ((error as Error).name !== 'AbortError') throw error;
    }
  }

  private flow(key: FlowKey): MemoryFlow {
    const flow = this.flows.get(flowName(key));
    if (flow === undefined) throw new StateError('flow-missing', `${flowName(key)}: there is no such flow`);
    return flow;
  }

  private changed(key: FlowKey, what: string, requester: Requester, state: Partial<FlowStatus>): FlowStatus {
    this.flow(key);
    this.took(key, what, requester);
    this.become(flowName(key), state);
    return this.flow(key).status;
  }

  private revise(key: FlowKey, text: string, requester: Requester): SubmitResult {
    const flow = this.flow(key);
    if (flow.documents.at(-1) === text) return { outcome: 'unchanged', status: flow.status };
    flow.documents.push(text);
    flow.by.push(requester);
    this.become(flowName(key), { revision: flow.documents.length });
    return { outcome: 'updated', status: flow.status };
  }

  private took(key: FlowKey, what: string, { by, comment }: Requester): void {
    this.requests.push([flowName(key), what, `by ${by}`, ...(comment === undefined ? [] : [comment])].join('; '));
  }
}

function started({ namespace, jobId }: FlowKey): FlowStatus {
  return {
    status: 'Running',
    startTime: at,
    closeTime: null,
    execution: { workflow_id: jobId, run_id: 'f1725055' },
    type: { name: 'KFlowDSL' },
    devInsOuts: [],
    namespace,
    jobId,
    mode: 'stream',
    revision: 1,
    since: at,
    health: { state: 'healthy', problems: [] },
    functions: [],
  };
}

function idle(id: string, type: string): FlowStatus['functions'][number] {
  const counts = { replicas: 1, ready: 1, pending: 0, held: 0, dead: 0, restarts: 0 };
  return { function: id, type, isPaused: false, in: 0, out: 0, ...counts };
}
