/**
 * Names of what the operations of a Kubernetes namespace have in nats; `kfbasicpy/tasks/nats_transport.py` has them too. No
 * flow has a stream with an empty job, nor a subject of these lengths, so these names are those of no flow.
 */

/** The work-queue stream of the messages, in which each topic has a consumer of its name; also the bucket of the states of operations. */
export function operationStream(namespace: string): string {
  return `kflow_${namespace}__operations`;
}

export function operationResultStream(namespace: string): string {
  return `${operationStream(namespace)}_results`;
}

/** The subject of the messages of a topic; of all with the wildcard `*`. */
export function operationSubject(namespace: string, topic: string): string {
  return `kflow.${namespace}.operation.${topic}`;
}

export function operationResultSubject(namespace: string, topic: string): string {
  return `${operationSubject(namespace, topic)}.result`;
}
