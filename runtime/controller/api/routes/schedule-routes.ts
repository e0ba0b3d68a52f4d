import { z } from 'zod';
import { scheduleSchema } from '../../../api-contract/execution-changes';
import { namespaceFor } from '../access/caller';
import { callerOf } from '../http/guard-routes';
import { type ApiScope, changeRoute, type ExecutionParts, readRoute } from './api-route';
import { commentQuery, requesterOf } from './flow-change';
import { jsonResponse, namespaceQuery, scheduleParams } from './route-schemas';

const path = '/executions/schedules/v1/:namespace/:schedule';
const change = { role: 'operate', tag: 'schedules', params: scheduleParams, querystring: commentQuery } as const;

/** Routes for schedules; a start with `schedule` sets one. */
export function addScheduleRoutes(app: ApiScope, { executions }: ExecutionParts): void {
  app.delete(
    path,
    changeRoute({
      ...change,
      operationId: 'deleteSchedule',
      summary: 'Remove a schedule; executions that it started are left alone',
      responses: { 200: jsonResponse('it is removed', z.object({ namespace: z.string(), schedule: z.string() })) },
      problems: [400, 404],
    }),
    async (request) => {
      const { namespace, schedule } = request.params;
      await executions.unschedule(namespace, schedule, requesterOf(request));
      return { namespace, schedule };
    },
  );

  app.get(
    '/executions/schedules/v1',
    readRoute({
      role: 'view',
      tag: 'schedules',
      querystring: namespaceQuery,
      operationId: 'listSchedules',
      summary: 'List the schedules of executions',
      responses: { 200: jsonResponse('by id', z.array(scheduleSchema)) },
      problems: [400],
    }),
    async (request) => {
      const namespace = namespaceFor(callerOf(request), request.query.namespace);
      return [...(await executions.schedules(namespace))];
    },
  );
}
