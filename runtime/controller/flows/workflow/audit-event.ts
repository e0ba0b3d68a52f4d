import type { RewindStart } from '../../ports/streams';
import type { FlowRequest } from '../ports/flow-request';
import type { NewEvent } from './flow-record-writer';

/** The event of a request: who requested what, when and why. */
export function auditEvent(request: FlowRequest): NewEvent {
  const { by, at, comment } = request;
  const what = request.kind === 'update' ? request.cause : request.kind;
  return { kind: 'audit', what, by, at, comment, message: subjectOf(request) };
}

function subjectOf(request: FlowRequest): string | undefined {
  switch (request.kind) {
    case 'pause':
    case 'resume':
    case 'restart':
      return request.functions.join(', ') || undefined;
    case 'replay':
      return request.rewinds.map(({ function: id, start }) => `${id} from ${textOf(start)}`).join(', ');
    case 'delete':
      return request.force ? 'force' : undefined;
    case 'update':
    case 'stop':
      return undefined;
  }
}

function textOf(start: RewindStart): string {
  if (start.from === 'letters') return 'its dead letters';
  if (start.from === 'sequence') return `sequence ${start.sequence}`;
  return start.from === 'time' ? start.time : 'the first record';
}
