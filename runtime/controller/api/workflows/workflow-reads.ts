import { z } from 'zod';
import { type FlowMatrix, toMatrix } from '../../../../lib/tasks/graph/flow-matrix';
import { type DrawnStatus, renderTaskMermaid } from '../../../../lib/tasks/graph/render-mermaid';
import type { TaskNode } from '../../../../lib/tasks/graph/task-graph';
import type { ExecutionView } from '../../../api-contract/execution-status';
import type { ExecutionRecord, ExecutionService } from '../../executions/ports/execution-service';
import { type ApiScope, type ExecutionParts, readRoute } from '../routes/api-route';
import { nextLink } from '../routes/next-page';
import { jsonResponse, textResponse } from '../routes/route-schemas';
import {
  failures,
  keyOf,
  namespaceOf,
  refusal,
  sendFailure,
  stateOf,
  workflowParams,
  workflowQuery,
  workflowState,
} from './workflow-answers';
import { sumOf, type Vectors, vectorsOf } from './workflow-vectors';

const read = {
  role: 'view',
  tag: 'workflows',
  params: workflowParams,
  querystring: workflowQuery,
  problems: [],
} as const;
const errorHandler = sendFailure;

const vector = z.array(z.number());
const matrixSchema = z
  .object({ F: z.array(vector), T: z.array(z.array(z.unknown())) })
  .meta({ id: 'WorkflowDefinition' });

/** Largest graph that is sent as a matrix. */
const maxNodes = 2_000;

/** Routes that list and show executions as workflows, with matrices and vectors (docs/api.md). */
export function addWorkflowReads(app: ApiScope, parts: ExecutionParts): void {
  addLists(app, parts);
  addDetails(app, parts);
  addGraph(app, parts);
}

function addLists(app: ApiScope, { executions }: ExecutionParts): void {
  app.get(
    '/workflows',
    {
      ...readRoute({
        ...read,
        params: z.object({}),
        querystring: workflowQuery.extend({
          next: z.coerce.number().int().min(0).default(0).describe('how many to leave out'),
          size: z.coerce.number().int().min(1).max(1_000).default(50),
        }),
        operationId: 'listWorkflows',
        summary: 'List executions, the newest first',
        responses: {
          200: jsonResponse('one page', z.array(z.object({ id: z.string(), state: workflowState }))),
          400: failures[400],
        },
        responseHeaders: { Link: 'the next page, with rel="next"; absent on the last page' },
      }),
      errorHandler,
    },
    async (request, reply) => {
      const { next, size } = request.query;
      const found = await firstOf(executions, namespaceOf(request), next + size + 1);
      if (found.length > next + size) reply.header('link', nextLink(request, { next: String(next + size) }));
      return found.slice(next, next + size).map(({ execution, status }) => ({ id: execution, state: stateOf(status) }));
    },
  );

  app.get(
    '/inprogress',
    {
      ...readRoute({
        ...read,
        params: z.object({}),
        operationId: 'listWorkflowsInProgress',
        summary: 'List the ids of running executions',
        responses: { 200: jsonResponse('the newest first', z.array(z.string())), 400: failures[400] },
      }),
      errorHandler,
    },
    async (request) => {
      const namespace = namespaceOf(request);
      const found = [];
      for (const status of ['Pending', 'Running'] as const) {
        found.push(...(await firstOf(executions, namespace, Number.POSITIVE_INFINITY, status)));
      }
      return found.map(({ execution }) => execution);
    },
  );
}

/** The newest executions; a page of the service has 1,000. */
async function firstOf(
  executions: ExecutionService,
  namespace: string,
  count: number,
  status?: ExecutionView['status'],
): Promise<readonly ExecutionView[]> {
  const found: ExecutionView[] = [];
  let next: string | undefined;
  do {
    const limit = Math.min(1_000, count - found.length);
    const query = {
      limit,
      ...(status === undefined ? {} : { status }),
      ...(next === undefined ? {} : { continue: next }),
    };
    const page = await executions.list(namespace, query);
    found.push(...page.executions);
    next = page.continue;
  } while (next !== undefined && found.length < count);
  return found;
}

function addDetails(app: ApiScope, { executions }: ExecutionParts): void {
  app.get(
    '/workflows/:workflow',
    {
      ...readRoute({
        ...read,
        operationId: 'getWorkflow',
        summary: 'Get the graph of an execution as a matrix',
        responses: { 200: jsonResponse('the edges F, and the nodes T', matrixSchema), ...failures },
      }),
      errorHandler,
    },
    async (request) => definitionOf(await executions.record(keyOf(request))),
  );

  app.get(
    '/workflows/:workflow/state',
    {
      ...readRoute({
        ...read,
        operationId: 'getWorkflowState',
        summary: 'Get the state of an execution, with the outputs of its steps',
        responses: {
          200: jsonResponse(
            'running instances S, arrived outputs A, failed steps, and outputs, each by node',
            z.object({
              state: workflowState,
              S: vector,
              A: vector,
              failures: vector.optional(),
              output: z.array(z.unknown()),
            }),
          ),
          ...failures,
        },
      }),
      errorHandler,
    },
    async (request) => stateOfWorkflow(await executions.record(keyOf(request))),
  );

  app.get(
    '/workflows/:workflow/trace/:kind',
    {
      ...readRoute({
        ...read,
        params: workflowParams.extend({ kind: z.enum(['S', 'A'], 'must be S or A') }),
        operationId: 'traceWorkflow',
        summary: 'Get the changes of the running instances S, or of the arrived outputs A',
        responses: {
          200: jsonResponse('time and change, the newest first', z.array(z.tuple([z.string(), vector]))),
          ...failures,
        },
      }),
      errorHandler,
    },
    async (request) => {
      return traceOf(vectorsOf(await executions.record(keyOf(request))), request.params.kind);
    },
  );
}

function addGraph(app: ApiScope, { executions }: ExecutionParts): void {
  app.get(
    '/workflows/:workflow/graph',
    {
      ...readRoute({
        ...read,
        querystring: workflowQuery.extend({ orientation: z.enum(['horizontal', 'vertical']).default('horizontal') }),
        operationId: 'drawWorkflow',
        summary: 'Get the graph of an execution as a Mermaid state diagram',
        responses: { 200: textResponse('the diagram', 'text/plain'), ...failures },
      }),
      errorHandler,
    },
    async (request, reply) => {
      const { graph, detail } = await executions.record(keyOf(request));
      const isVertical = request.query.orientation === 'vertical';
      const text = renderTaskMermaid(graph, { isVertical, statuses: statusesOf(detail) });
      return reply.type('text/plain; charset=utf-8').send(text);
    },
  );
}

/** The states of steps that are drawn. */
function statusesOf({ steps }: ExecutionRecord['detail']): { [index: number]: DrawnStatus } {
  const statuses: { [index: number]: DrawnStatus } = {};
  for (const { step, index, status } of steps) {
    if (step !== String(index)) continue;
    if (status === 'running' || status === 'succeeded' || status === 'failed') statuses[index] = status;
  }
  return statuses;
}

/** The graph of an execution. */
export function definitionOf({ graph }: Pick<ExecutionRecord, 'graph'>): { F: number[][]; T: unknown[][] } {
  if (graph.nodes.length > maxNodes) {
    throw refusal(`the graph has ${graph.nodes.length} nodes, and a matrix at most ${maxNodes}; use /executions/v1`);
  }
  const { F, T }: FlowMatrix = toMatrix(graph);
  return { F: F.map((row) => [...row]), T: T.map((node) => [...node]) };
}

/** The changes of a vector, the newest first. */
export function traceOf(vectors: Vectors, kind: 'S' | 'A'): [string, number[]][] {
  return vectors[kind].map(([at, change]): [string, number[]] => [at, [...change]]).reverse();
}

function stateOfWorkflow(record: ExecutionRecord) {
  const { graph, detail } = record;
  const { nodes } = graph;
  const { S, A } = vectorsOf(record);
  const failed = nodes.map(() => 0);
  const output: unknown[] = nodes.map(() => ({}));
  for (const step of detail.steps) {
    if (step.step !== String(step.index)) continue;
    if (step.status === 'failed' && !isRegion(nodes[step.index])) failed[step.index] = 1;
    if (step.output !== undefined) output[step.index] = step.output;
  }
  output[0] = detail.input;
  if (detail.output !== undefined) output[nodes.length - 1] = detail.output;
  return {
    state: stateOf(detail.status),
    S: sumOf(S, nodes.length),
    A: sumOf(A, nodes.length),
    ...(failed.includes(1) ? { failures: failed } : {}),
    output,
  };
}

/** Nodes that fail because a step in them has failed. */
function isRegion(node: TaskNode | undefined): boolean {
  return node?.kind === 'start' || node?.kind === 'flow';
}
