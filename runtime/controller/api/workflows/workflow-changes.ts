import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { ExecutionKey } from '../../../api-contract/execution-key';
import { executionPhases } from '../../../api-contract/execution-phase';
import type { ExecutionService } from '../../executions/ports/execution-service';
import { type ApiScope, changeRoute, type ExecutionParts } from '../routes/api-route';
import { commentQuery, requesterOf } from '../routes/flow-change';
import { jsonResponse, valueLimit } from '../routes/route-schemas';
import {
  failures,
  isOpen,
  keyOf,
  namespaceOf,
  refusal,
  sendFailure,
  stateOf,
  successSchema,
  workflowParams,
  workflowQuery,
} from './workflow-answers';
import { readStartBody, readStartForm, workflowStartSchema } from './workflow-body';

const change = {
  role: 'operate',
  tag: 'workflows',
  querystring: workflowQuery.extend(commentQuery.shape),
  problems: [413, 415],
} as const;
const errorHandler = sendFailure;
const done = (description: string) => ({ 200: jsonResponse(description, successSchema), ...failures });

/** Routes that start and change executions, as workflows, with matrices and vectors (docs/api.md). */
export function addWorkflowChanges(app: ApiScope, parts: ExecutionParts): void {
  addStarts(app, parts);
  addEnds(app, parts);
}

function addStarts(app: ApiScope, { executions }: ExecutionParts): void {
  const start = async (request: FastifyRequest, body: z.infer<typeof workflowStartSchema>) => {
    const { workflow: flow, input = {}, id } = body;
    const request_ = { flow, input, attributes: {}, ...(id === undefined ? {} : { id }) };
    const { execution } = await executions.start(namespaceOf(request), request_, requesterOf(request));
    return { status: 'Success' as const, workflow: execution.execution };
  };
  const body = { body: workflowStartSchema, responses: done('the execution is started') };

  app.post(
    '/workflows/start',
    {
      ...changeRoute({
        ...change,
        ...body,
        operationId: 'startWorkflow',
        summary: 'Start an execution of a task flow',
      }),
      preValidation: readStartBody,
      bodyLimit: valueLimit,
      errorHandler,
    },
    async (request) => start(request, request.body),
  );

  const upload = changeRoute({
    ...change,
    ...body,
    operationId: 'uploadWorkflow',
    summary: 'Start an execution of a task flow that a form has',
    description: 'The parts of the form are `workflow`, a file or text, and `input`, JSON.',
  });
  app.post(
    '/workflows/start/upload',
    {
      ...upload,
      config: { ...upload.config, takesForm: true },
      preValidation: readStartForm,
      bodyLimit: valueLimit,
      errorHandler,
    },
    async (request) => start(request, request.body),
  );
}

function addEnds(app: ApiScope, { executions }: ExecutionParts): void {
  const terminate = async (request: FastifyRequest, key: ExecutionKey) => {
    const state = await terminated(executions, key, request);
    return { status: 'Success' as const, message: `Workflow ${key.execution} is ${state}`, workflow: key.execution };
  };

  app.post(
    '/workflows/:workflow/terminate',
    {
      ...changeRoute({
        ...change,
        params: workflowParams,
        operationId: 'terminateWorkflow',
        summary: 'Stop an execution when its running tasks have ended; the second time, at once',
        responses: done('it is terminating or terminated'),
      }),
      errorHandler,
    },
    async (request) => terminate(request, keyOf(request)),
  );

  app.post(
    '/workflows/terminate',
    {
      ...changeRoute({
        ...change,
        body: workflowParams,
        operationId: 'terminateNamedWorkflow',
        summary: 'Stop the execution that the body names',
        responses: done('it is terminating or terminated'),
      }),
      errorHandler,
    },
    async (request) => terminate(request, { namespace: namespaceOf(request), execution: request.body.workflow }),
  );

  app.post(
    '/workflows/:workflow/restart',
    {
      ...changeRoute({
        ...change,
        params: workflowParams,
        operationId: 'restartWorkflow',
        summary: 'Continue a failed or terminated execution with the steps that have not succeeded',
        responses: done('it is running'),
      }),
      errorHandler,
    },
    async (request) => {
      const key = keyOf(request);
      const { status } = await executions.get(key);
      if (!executionPhases[status].isResumable) {
        throw refusal(`Workflow ${key.execution} cannot be restarted from state ${stateOf(status)}`);
      }
      await executions.resume(key, {}, requesterOf(request));
      return {
        status: 'Success' as const,
        message: `Workflow ${key.execution} is restarting`,
        workflow: key.execution,
      };
    },
  );

  app.delete(
    '/workflows/:workflow',
    {
      ...changeRoute({
        ...change,
        role: 'admin',
        params: workflowParams,
        operationId: 'deleteWorkflow',
        summary: 'Delete an execution that has ended',
        responses: done('it is deleted'),
      }),
      errorHandler,
    },
    async (request) => {
      const key = keyOf(request);
      const { status } = await executions.get(key);
      if (isOpen(status)) throw refusal(`Workflow ${key.execution} is in progress: ${stateOf(status)}`);
      await executions.delete(key, requesterOf(request));
      return { status: 'Success' as const, workflow: key.execution };
    },
  );
}

/** The first request cancels, the second terminates. */
async function terminated(
  executions: ExecutionService,
  key: ExecutionKey,
  request: FastifyRequest,
): Promise<'terminating' | 'terminated'> {
  const { status } = await executions.get(key);
  if (!isOpen(status)) {
    throw refusal(`Workflow ${key.execution} cannot be terminated from state ${stateOf(status)}`);
  }
  const requester = requesterOf(request);
  const ended =
    status === 'Stopping' ? await executions.terminate(key, requester) : await executions.cancel(key, {}, requester);
  return ended.status === 'Stopping' ? 'terminating' : 'terminated';
}
