/** Ids of its workflows are the names of what they run alone. */
const defaultTaskQueue = 'kflow';

/** A workflow task of a killed worker is assigned to another one after this time. */
export const workflowTaskTimeout = '3 seconds';

/** Two installations on one server may have a flow of the same name: ids begin with a task queue that is not `kflow`. */
export function queuePrefix(taskQueue: string): string {
  return taskQueue === defaultTaskQueue ? '' : `${taskQueue}/`;
}
