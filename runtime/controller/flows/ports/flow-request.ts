import type { Rewind } from '../../ports/streams';
import type { Revision } from './flow-record';

const requestKinds = {
  pause: true,
  resume: true,
  restart: true,
  replay: true,
  update: true,
  stop: true,
  delete: true,
} as const satisfies { readonly [Kind in FlowCommand['kind']]: true };

/** Names of the workflow's updates: each takes a `FlowRequest` and returns a `FlowMemo`. */
export const requestNames = Object.keys(requestKinds) as readonly FlowCommand['kind'][];

/** A request to change a flow's desired state, with its origin. */
export type FlowRequest = FlowCommand & RequestOrigin;

/** Who sent a request, when and why. */
export interface RequestOrigin {
  readonly by: string;
  /** ISO time. */
  readonly at: string;
  readonly comment?: string;
}

export type FlowCommand =
  /** An empty list of functions means the whole flow. */
  | { readonly kind: 'pause' | 'resume' | 'restart'; readonly functions: readonly string[] }
  | { readonly kind: 'replay'; readonly rewinds: readonly Rewind[] }
  | {
      readonly kind: 'update';
      readonly digest: string;
      readonly cause: Exclude<Revision['cause'], 'submit' | 'auto-rollback'>;
      /** The revision that the document was compared with. The update is refused when the flow is at another revision. */
      readonly base: number;
      /** Functions that the update changes: earlier requests to pause or resume them no longer apply. */
      readonly updated: readonly string[];
      /** Functions that re-read their inputs from the first record. */
      readonly dropped: readonly string[];
    }
  | { readonly kind: 'stop' }
  | { readonly kind: 'delete'; readonly force: boolean };
