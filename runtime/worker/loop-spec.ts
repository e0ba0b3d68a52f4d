import type { FunctionSpec, OutputSpec } from '../../lib/plan/function-spec';
import { resultStream, taskNamespaceSubjects, taskStream, taskWire } from '../../lib/plan/task-names';
import type { Language } from '../../lib/topology/document/language';
import { jsonSchema } from './task-calls';

/** The spec of a replica of a task worker. */
export type WorkerSpec = FunctionSpec & Required<Pick<FunctionSpec, 'tasks' | 'taskNamespace'>>;

export function isWorkerSpec(spec: FunctionSpec): spec is WorkerSpec {
  return spec.tasks !== undefined && spec.taskNamespace !== undefined;
}

/** The side output of heartbeats. */
export const progressSide = 'progress';

/** The languages of a worker's tasks: a host runs the tasks of one. */
export function languagesOf({ tasks }: WorkerSpec): readonly Language[] {
  return [...new Set(Object.values(tasks).map(({ language }) => language))];
}

/**
 * The worker's tasks of one language as a function that a record loop runs. It has no time limit of its own, and no number of
 * attempts: the controller has both.
 */
export function loopSpec(spec: WorkerSpec, language: Language): FunctionSpec {
  const { namespace, taskNamespace } = spec;
  const own = Object.entries(spec.tasks).filter(([, task]) => task.language === language);
  const output: OutputSpec = {
    stream: resultStream(namespace),
    subject: '',
    schema: jsonSchema,
    maxMsgs: -1,
    maxBytes: -1,
    dedupeWindowMs: taskWire.dedupeWindowMs,
    durables: [],
  };
  const input = {
    function: 'controller',
    stream: taskStream(namespace),
    subject: taskNamespaceSubjects(namespace, taskNamespace),
    durable: taskNamespace,
  };
  return {
    ...spec,
    language,
    tasks: Object.fromEntries(own),
    inputs: [input],
    output,
    sideOutputs: [{ ...output, id: progressSide, subject: progressSide }],
    schema: jsonSchema,
    ackWaitMs: taskWire.ackWaitMs,
    maxDeliver: Number.MAX_SAFE_INTEGER,
  };
}
