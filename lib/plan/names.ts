/**
 * All names that KFlow generates. Ids are DNS-1123 labels without `--`, so that the parts of a name can be separated
 * again: `<job>--<function>` in Kubernetes, `kflow_<ns>_<job>_<function>` in JetStream.
 */

export { functionContainer } from '../topology/document/container-settings';

interface FlowId {
  readonly namespace: string;
  readonly jobId: string;
}

/** Name of a function's Deployment, Job, ConfigMap and other objects. */
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

/** Name of the Secret with the `user` and `password` for an address. */
export function accountSecret(flow: { readonly jobId: string }, addr: string): string {
  const place = addr
    .toLowerCase()
    .replace(/^\w+:\/\//, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  return `${flow.jobId}--${place}`;
}

/** Name of the Kubernetes object for a stream of errors, which may be the stream of several flows. */
export function errorStreamObject(flow: { readonly jobId: string }, stream: string): string {
  return `${flow.jobId}----errors-${stream.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`.replace(/-+$/, '');
}

/** The Secret with which the replicas of a flow log in at nats. */
export function natsLoginSecret(flow: { readonly jobId: string }): string {
  return `${flow.jobId}----nats`;
}

/** Name of the Secret with the secret variables of a function's container. No other name has two `--`. */
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

/** The flow's stream of dead letters. Their subjects name the function that failed. */
export function deadLetterStream(flow: FlowId): string {
  return `kflow_${flow.namespace}_${flow.jobId}__dead`;
}

export function deadLetterSubject(flow: FlowId, functionId: string): string {
  return `kflow.${flow.namespace}.${flow.jobId}.${functionId}.dead`;
}

/**
 * The flow's stream of redrives: letters that are being processed again, each until it is. It is created by the first redrive.
 */
export function redriveStream(flow: FlowId): string {
  return `kflow_${flow.namespace}_${flow.jobId}__redrive`;
}

/** The subject of a letter's redrive; of all letters of a function, or of all functions, with the wildcard `*`. */
export function redriveSubject(flow: FlowId, functionId: string, letter: number | '*' = '*'): string {
  return `kflow.${flow.namespace}.${flow.jobId}.${functionId}.redrive.${letter}`;
}

/** Core NATS subject on which a function is told of canceled redrives; no stream stores it. */
export function redriveNoticeSubject(flow: FlowId, functionId: string): string {
  return `kflow-redrives.${flow.namespace}.${flow.jobId}.${functionId}`;
}

/** The flow's stream of discarded letters. It is created by the first discard. */
export function discardedStream(flow: FlowId): string {
  return `kflow_${flow.namespace}_${flow.jobId}__discarded`;
}

export function discardedSubject(flow: FlowId, functionId: string): string {
  return `kflow.${flow.namespace}.${flow.jobId}.${functionId}.discarded`;
}

/** KV bucket with the state of a flow: its schemas, its run, the sources that have ended, the objects that were listed. */
export function stateBucket(flow: FlowId): string {
  return `kflow_${flow.namespace}_${flow.jobId}__state`;
}

/** Prefix of a function's payloads in the bucket of its message store; of all functions without an id. */
export function messageStorePrefix(flow: FlowId, functionId?: string): string {
  const base = `kflow/${flow.namespace}/${flow.jobId}/`;
  return functionId === undefined ? base : `${base}${functionId}/`;
}

/** Prefix of the folders of a function in a step-by-step run; of all functions without an id. */
export function devStorePrefix(flow: FlowId, functionId?: string): string {
  const base = `kflow-dev/${flow.namespace}/${flow.jobId}/`;
  return functionId === undefined ? base : `${base}${functionId}/`;
}

/** Core NATS subject on which replicas publish their counters; no stream stores it. */
export function countersSubject(flow: FlowId, functionId: string): string {
  return `kflow-counters.${flow.namespace}.${flow.jobId}.${functionId}`;
}
