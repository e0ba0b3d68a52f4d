import type { FlowFunction } from '../topology/document/topology';
import { kindOf } from '../topology/function-types/function-type';
import type { PlannedStream } from './flow-plan';
import type { FunctionSpec } from './function-spec';
import { timing } from './replica-lifecycle';

/** Errors are few: only bytes limit their stream. */
const maxBytes = 1024 ** 3;

/** The subjects of `errorTopics`. */
function topicsOf(errorTopics: string): readonly string[] {
  return errorTopics.split(',').map((topic) => topic.trim());
}

/** Where a function reports the errors of its records; without an address, at the flow's own nats. */
export function planErrorStream(
  { type, globalConfig: { sideStream } }: FlowFunction,
  hasOwnNats: boolean,
): FunctionSpec['sideStream'] {
  const { enabled, addr, errorTopics } = sideStream;
  if (!enabled || errorTopics === undefined || kindOf(type) === 'source') return undefined;
  return { ...(addr === undefined || hasOwnNats ? {} : { addr }), topics: topicsOf(errorTopics) };
}

/** Whether the container of a function sets KFLOW_CREATE_SIDESTREAM. */
export function createsErrorStreams({ meta }: FlowFunction): boolean {
  const value = meta.container.env.find(({ name }) => name === 'KFLOW_CREATE_SIDESTREAM')?.value ?? '';
  return !['', 'false', '0'].includes(value.toLowerCase());
}

/** The stream of a subject of errors: its name is the part before the first dot. */
export function errorStreamOf(topic: string, replicas = 1): Omit<PlannedStream, 'function'> {
  const name = topic.slice(0, topic.indexOf('.'));
  return {
    name,
    role: 'errors',
    subjects: [`${name}.>`],
    maxMsgs: -1,
    maxBytes,
    replicas,
    dedupeWindowMs: timing.dedupeWindowMs(timing.defaultAckWaitMs),
    onDelete: 'keep',
  };
}
