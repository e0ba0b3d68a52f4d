import type { JetStreamManager, NatsConnection, StreamConfig } from 'nats';
import { countersSubject, outputSubject, stateBucket, streamName } from '../../../lib/plan/names';

/** The flow that is attacked, by what anybody can guess of it: its namespace and its name. */
export interface Target {
  readonly stream: string;
  readonly subject: string;
  readonly durable: string;
  readonly stateBucket: string;
  /** Subject of the counters of its function, in core nats. */
  readonly counters: string;
  /** Subject of its events, which only controllers publish. */
  readonly events: string;
}

/** What somebody with the login of another flow tries. */
export interface Attack {
  readonly title: string;
  /** Returns texts that were read from the target, if the attack reads. May throw: the server refused. */
  readonly run: (attacker: NatsConnection, target: Target) => Promise<readonly string[]>;
  /** What the victim sees of an attack that changes something. */
  readonly harm?: Harm;
}

/** `records`: the stream is not as it was; `consumer`: records were taken or acked; `state`; `lies`: a forged message came. */
export type Harm = 'records' | 'consumer' | 'state' | 'lies';

/** The bucket of the controller with the documents of all flows. */
export const documentBucket = 'kflow_documents';
/** How long a request may take, which is answered or refused sooner. */
export const requestMs = 10_000;
/** How long an attacker listens: for several of the beacons of its victim, on a busy machine too. */
const listenMs = 2_500;
/** The content of whatever an attacker writes. */
export const forged = 'forged';

/** The stream between two functions of a flow, and the rest of the flow. */
export function targetOf(namespace: string, jobId: string, writer = 'read', reader = 'write'): Target {
  const flow = { namespace, jobId };
  return {
    stream: streamName(flow, writer),
    subject: outputSubject(flow, writer),
    durable: reader,
    stateBucket: stateBucket(flow),
    counters: countersSubject(flow, writer),
    events: `kflow-events.${namespace}.${jobId}.audit`,
  };
}

/** The name of a stream that an attacker creates for an attack on `stream`. */
export function ownStream(word: string, stream: string): string {
  return `own_${word}_of_${stream}`;
}

export function managerOf(attacker: NatsConnection): Promise<JetStreamManager> {
  return attacker.jetstreamManager({ checkAPI: false, timeout: requestMs });
}

/** Everything that arrives on the subject while the attacker listens, subjects included. */
export async function heardOn(attacker: NatsConnection, subject: string): Promise<readonly string[]> {
  const heard: string[] = [];
  const subscription = attacker.subscribe(subject, {
    callback: (error, { subject: on, data }) => {
      if (error === null) heard.push(`${on} ${Buffer.from(data).toString()}`); // else refused
    },
  });
  await attacker.flush();
  await new Promise((resolve) => setTimeout(resolve, listenMs));
  subscription.unsubscribe();
  return heard;
}

/** Creates a stream of the attacker's own and returns the payloads that it then has. */
export async function payloadsOfOwn(
  attacker: NatsConnection,
  config: Partial<StreamConfig> & { readonly name: string },
): Promise<readonly string[]> {
  const manager = await managerOf(attacker);
  await manager.streams.add(config);
  return payloadsOf(attacker, config.name);
}

/** The payloads of a stream, through a consumer of the attacker's own. */
export async function payloadsOf(attacker: NatsConnection, stream: string): Promise<readonly string[]> {
  const consumer = await attacker.jetstream({ checkAPI: false, timeout: requestMs }).consumers.get(stream, {});
  const found: string[] = [];
  for await (const message of await consumer.fetch({ max_messages: 10, expires: listenMs })) {
    found.push(Buffer.from(message.data).toString());
  }
  return found;
}
