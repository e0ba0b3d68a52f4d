/**
 * Every name KFlow gives, in one place. Ids are DNS-1123 labels without `--`, so the parts of a name can be told
 * apart: `<job>--<function>` in Kubernetes, `kflow_<ns>_<job>_<function>` in JetStream.
 */

interface FlowId {
  readonly namespace: string;
  readonly jobId: string;
}

/** Deployment, Job, ConfigMap, Secret and the like of one function. */
export function workloadName(flow: FlowId, functionId: string): string {
  return `${flow.jobId}--${functionId}`;
}

/** The ConfigMap that owns every other object of a flow. */
export function flowObjectName(flow: { readonly jobId: string }): string {
  return `${flow.jobId}----flow`;
}

/** Name of the Kubernetes object for a stream or bucket of a flow: `<job>--<function>`, `<job>----dead`. */
export function objectName(flow: FlowId, name: string): string {
  const own = name.replace(/^kflow_/, '').replace(`${flow.namespace}_`, '');
  return own.toLowerCase().replaceAll('_', '--');
}

/** Secret with the credentials of an address, `user` and `password`. */
export function accountSecret(flow: { readonly jobId: string }, addr: string): string {
  const place = addr
    .toLowerCase()
    .replace(/^\w+:\/\//, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  return `${flow.jobId}--${place}`;
}

/** Secret with the secret variables of a function's container. No other name has two `--`. */
export function variableSecret(flow: { readonly jobId: string }, functionId: string): string {
  return `${flow.jobId}--${functionId}--env`;
}

/** The stream of a function's main output, or of its side output `side`. */
export function streamName(flow: FlowId, functionId: string, side?: string): string {
  const parts = ['kflow', flow.namespace, flow.jobId, functionId];
  return (side === undefined ? parts : [...parts, side]).join('_');
}

export function outputSubject(flow: FlowId, functionId: string, side?: string): string {
  const base = `kflow.${flow.namespace}.${flow.jobId}.${functionId}`;
  return side === undefined ? `${base}.out` : `${base}.side.${side}`;
}

/** One stream for each flow; its subjects say which function gave up on a record. */
export function deadLetterStream(flow: FlowId): string {
  return `kflow_${flow.namespace}_${flow.jobId}__dead`;
}

export function deadLetterSubject(flow: FlowId, functionId: string): string {
  return `kflow.${flow.namespace}.${flow.jobId}.${functionId}.dead`;
}

/** KV bucket of a flow: its run, which sources have ended, what has been listed. */
export function stateBucket(flow: FlowId): string {
  return `kflow_${flow.namespace}_${flow.jobId}__state`;
}

/** KV bucket of writer schemas by fingerprint, shared by all flows of a nats server. */
export const schemaBucket = 'kflow_schemas';

/** Where a function's payloads lie in its message store's bucket. */
export function messageStorePrefix(flow: FlowId, functionId?: string): string {
  const base = `kflow/${flow.namespace}/${flow.jobId}/`;
  return functionId === undefined ? base : `${base}${functionId}/`;
}

/** What runs a flow step by step. */
export function devStoreName(flow: FlowId): string {
  return `${flow.jobId}----dev`;
}

/** Where the folders of a function that is run by itself lie. */
export function devStorePrefix(flow: FlowId, functionId: string): string {
  return `kflow-dev/${flow.namespace}/${flow.jobId}/${functionId}/`;
}

/** Core subject on which replicas say what they have done; nothing keeps it. */
export function countersSubject(flow: FlowId, functionId: string): string {
  return `kflow-counters.${flow.namespace}.${flow.jobId}.${functionId}`;
}
