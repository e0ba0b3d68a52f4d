import { Context } from '@temporalio/activity';
import { KFlowError } from '../../../../lib/errors';
import { isPlainMap, type PlainMap } from '../../../../lib/plain-map';
import { ClaimedValues } from '../claimed-values';
import type { HttpRequest, Requests } from '../ports/requests';
import type { StoredObjects } from '../ports/stored-objects';
import { taskId, wireStep } from '../ports/task-id';
import type { TaskValues } from '../ports/task-values';
import type { TaskTokens } from '../task-tokens';
import type { CallOrder, CallResult, ExecutionCalls } from '../workflow/execution-activities';
import { finalFailure } from './final-failure';
import type { RequestAddresses } from './request-addresses';
import { type FlowRunPorts, runFlow } from './run-flow';

export interface CallPorts extends FlowRunPorts {
  readonly values: TaskValues;
  readonly requests: Requests;
  readonly addresses: RequestAddresses;
  readonly tokens: TaskTokens;
  readonly objects: StoredObjects;
}

/** The steps that a controller runs. What fails because of the step is its result; errors of KFlow's own servers are thrown. */
export function createExecutionCalls(ports: CallPorts): ExecutionCalls {
  return {
    callStep: async (order) => {
      const signal = Context.current().cancellationSignal;
      const values = new ClaimedValues(ports.values, order.namespace, order.mark);
      try {
        const result = await call(ports, { ...order, input: await values.resolve(order.input) }, signal);
        if (result.kind !== 'succeeded') return result;
        return {
          ...result,
          output: await values.keep(`${taskId(order.ref)}/output`, result.output),
        };
      } catch (error) {
        return { kind: 'failed', ...finalFailure(error) };
      }
    },
  };
}

async function call(ports: CallPorts, order: CallOrder, signal: AbortSignal): Promise<CallResult> {
  const { base, uri = '' } = order;
  if (base === 'flow:run') return runFlow(ports, order, signal);
  if (/^s3:/i.test(uri)) return moveObject(ports.objects, { ...order, uri }, signal);
  if (base === 'load') return send(ports.requests, { method: 'GET', url: uri }, { signal, of: order });
  if (base === 'store') {
    const body = JSON.stringify(order.input ?? {});
    const contentType = textOf(order.parameters, 'content-type') ?? 'application/json';
    return send(ports.requests, { method: 'PUT', url: uri, body, contentType }, { signal, of: order });
  }
  const url = urlOf(ports.addresses, order.parameters);
  if (typeof url !== 'string') return url;
  const request = requestOf(order, url);
  return send(ports.requests, isOpen(order) ? withContext(request, order, ports.tokens) : request, {
    signal,
    of: order,
  });
}

/** Whether the callee reports the end of the step. */
function isOpen({ base, parameters }: CallOrder): boolean {
  return base.startsWith('request:') && isPlainMap(parameters) && parameters.sync === false;
}

/** The request of a step that the callee ends, with what it needs for that. */
function withContext(request: HttpRequest, order: CallOrder, tokens: TaskTokens): HttpRequest {
  const { namespace, ref, name, base, parameters } = order;
  const context = {
    'kflow-namespace': namespace,
    'kflow-workflow': ref.execution,
    'kflow-index': wireStep(ref.step),
    'kflow-name': name ?? base,
    'kflow-base': base,
    'kflow-token': tokens.make(namespace, { ...ref, isReceiptDue: false }),
  };
  const isInQuery = !isPlainMap(parameters) || parameters.use_context_parameters !== false;
  return isInQuery ? { ...request, query: context } : { ...request, headers: context };
}

/** The address of a request, or why there is none. */
function urlOf(addresses: RequestAddresses, parameters: unknown): string | CallResult {
  const url = textOf(parameters, 'url') ?? '';
  const category = textOf(parameters, 'category');
  if (category === undefined) return url;
  try {
    return addresses.of(url, { category, environ: textOf(parameters, 'environ') });
  } catch (error) {
    if (!(error instanceof KFlowError)) throw error;
    return { kind: 'failed', code: 'request-failed', message: error.message };
  }
}

function requestOf({ base, parameters, input }: CallOrder, url: string): HttpRequest {
  const method = base.slice(base.indexOf(':') + 1).toUpperCase() as HttpRequest['method'];
  const hasBody = method === 'POST' || method === 'PUT';
  const body = textOf(parameters, 'template') ?? (hasBody ? JSON.stringify(input ?? {}) : undefined);
  const contentType = textOf(parameters, 'content_type') ?? 'application/json';
  return { method, url, ...(body === undefined ? {} : { body, contentType }) };
}

async function send(
  requests: Requests,
  request: HttpRequest,
  { signal, of: order }: { readonly signal: AbortSignal; readonly of: CallOrder },
): Promise<CallResult> {
  const { method, url } = request;
  const place = order.uri === undefined ? {} : { uri: order.uri };
  try {
    const { status, contentType, text } = await requests.send(request, signal);
    const isGood = status >= 200 && status < 300;
    const parameters: PlainMap = isPlainMap(order.parameters) ? order.parameters : {};
    if (!isGood && parameters.error_on_status !== false) {
      const details = { ...place, status, response: text.slice(0, 10_000) };
      return { kind: 'failed', code: 'request-failed', message: `${method} ${url}: status ${status}`, details };
    }
    if (isGood && isOpen(order)) return { kind: 'waits' };
    const content = /\bjson\b/.test(contentType) ? jsonOf(text) : text;
    if (order.base === 'load') return { kind: 'succeeded', output: content };
    return { kind: 'succeeded', output: outputOf([parameters.output_mode].flat(), { status, text, content }) };
  } catch (error) {
    if (signal.aborted || !(error instanceof KFlowError)) throw error;
    return { kind: 'failed', code: 'request-failed', message: error.message, details: { ...place } };
  }
}

/** Loads or stores an object; one whose key ends in `.json`, or whose `content-type` says so, is JSON. */
async function moveObject(
  objects: StoredObjects,
  { base, uri, parameters, input }: CallOrder & { readonly uri: string },
  signal: AbortSignal,
): Promise<CallResult> {
  const type = textOf(parameters, 'content-type') ?? 'application/json';
  try {
    if (base === 'store') {
      await objects.put(uri, JSON.stringify(input ?? {}), type);
      return { kind: 'succeeded' };
    }
    const text = await objects.get(uri);
    const isJson = uri.endsWith('.json') || /\bjson\b/.test(textOf(parameters, 'content-type') ?? '');
    return { kind: 'succeeded', output: isJson ? jsonOf(text) : text };
  } catch (error) {
    if (signal.aborted || !(error instanceof KFlowError)) throw error;
    return { kind: 'failed', code: 'request-failed', message: error.message, details: { uri } };
  }
}

/** `output_mode`: `status`, and `response_text` or `response_json`; default: status and content. */
function outputOf(
  modes: readonly unknown[],
  { status, text, content }: { readonly status: number; readonly text: string; readonly content: unknown },
): PlainMap {
  const isDefault = modes.every((mode) => mode === undefined);
  const has = (mode: string) => modes.includes(mode);
  return {
    ...(isDefault || has('status') ? { request_status: status } : {}),
    ...(isDefault ? { response: content } : {}),
    ...(has('response_text') ? { response: text } : {}),
    ...(has('response_json') ? { response: jsonOf(text) } : {}),
  };
}

/** Text that is no JSON stays text. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function textOf(parameters: unknown, key: string): string | undefined {
  const value = isPlainMap(parameters) ? parameters[key] : undefined;
  return typeof value === 'string' ? value : undefined;
}
