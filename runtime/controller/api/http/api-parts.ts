import type { FlowService } from '../../flows/ports/flow-service';
import type { OpenStreams } from './open-streams';

/** What routes answer from. */
export interface ApiParts {
  readonly service: FlowService;
  readonly streams: OpenStreams;
  /** Between comments on a stream of events that has nothing else to say. */
  readonly keepAliveMs: number;
}
