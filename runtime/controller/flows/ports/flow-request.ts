import type { Rewind } from '../../ports/streams';
import type { Revision } from './flow-record';

/** Names of the workflow's updates: each takes a `FlowRequest` and returns a `FlowMemo`. */
export const requestNames = ['pause', 'resume', 'restart', 'replay', 'update', 'stop', 'delete'] as const;

/** A change of a flow's desired state, and who requested the change. */
export type FlowRequest = FlowCommand & RequestOrigin;

/** Who made a request, when, and why in their own words. */
export interface RequestOrigin {
  readonly by: string;
  /** ISO time. */
  readonly at: string;
  readonly comment?: string;
}

export type FlowCommand =
  /** Without functions, of the whole flow. */
  | { readonly kind: 'pause' | 'resume' | 'restart'; readonly functions: readonly string[] }
  | { readonly kind: 'replay'; readonly rewinds: readonly Rewind[] }
  | {
      readonly kind: 'update';
      readonly digest: string;
      readonly cause: Exclude<Revision['cause'], 'submit' | 'auto-rollback'>;
      /** The revision the document was compared with; the update is refused when the flow is at another one. */
      readonly base: number;
      /** Functions the update changes: pauses and resumes that were requested for them no longer apply. */
      readonly updated: readonly string[];
      /** Functions that re-read their inputs from the first record. */
      readonly dropped: readonly string[];
    }
  | { readonly kind: 'stop' }
  | { readonly kind: 'delete'; readonly force: boolean };
