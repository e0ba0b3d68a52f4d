import type { RewindStart } from '../../ports/streams';
import type { FlowRequest } from '../ports/flow-request';
import type { FlowEvent } from '../ports/flow-store';

/** What the audit log says of a request: who asked for what, when and why. */
export function auditOf(request: FlowRequest): Pick<FlowEvent, 'kind' | 'what' | 'by' | 'at' | 'comment' | 'message'> {
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
      return request.rewinds.map(({ function: id, start }) => `${id} from ${placeOf(start)}`).join(', ');
    case 'delete':
      return request.force ? 'force' : undefined;
    case 'update':
    case 'stop':
      return undefined;
  }
}

function placeOf(start: RewindStart): string {
  if (start.from === 'sequence') return `sequence ${start.sequence}`;
  return start.from === 'time' ? start.time : 'the first record';
}
