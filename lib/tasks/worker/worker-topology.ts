import type { PlainMap } from '../../plain-map';
import type { DocumentPath } from '../../topology/problem/problem';
import { hasKeyAlone } from '../../topology/read/has-key-alone';

/** Whether a text is a worker document: its first level has the key `worker`, and no `dag`. */
export function isWorkerDocument(text: string): boolean {
  return hasKeyAlone(text, 'worker', ['dag']);
}

/** The name of the flow of a worker. */
function workerJobId(worker: string): string {
  return `${worker}-worker`;
}

/** A worker document as a topology: a flow with one function, the task-worker, whose id is the task namespace. */
export function workerTopology({ worker, namespace, replicas, slots, tasks, meta, ...image }: PlainMap): PlainMap {
  const fn = {
    id: worker,
    parallelism: replicas,
    ...image,
    tasks,
    // what a submit changes takes effect: nothing is lost by a restart of a worker
    meta: present({ update: true, restart: true, ...(meta as PlainMap | undefined), concurrency: slots }),
  };
  return present({
    jobId: typeof worker === 'string' ? workerJobId(worker) : worker,
    namespace,
    mode: 'stream',
    dag: [{ ...present(fn), type: workerType }],
  });
}

const workerType = 'task-worker';

/** Where the value at a path of the topology is in the worker document. */
export function workerPath([first, , ...below]: DocumentPath): DocumentPath {
  if (first === 'jobId') return ['worker'];
  if (first !== 'dag') return first === undefined ? [] : [first];
  const [field, ...inner] = below;
  if (field === 'id') return ['worker'];
  if (field === 'parallelism') return ['replicas'];
  if (field === 'meta' && inner[0] === 'concurrency') return ['slots'];
  return below;
}

function present(map: PlainMap): PlainMap {
  return Object.fromEntries(Object.entries(map).filter(([, value]) => value !== undefined));
}
