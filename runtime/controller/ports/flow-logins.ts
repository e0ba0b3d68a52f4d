import type { FlowKey } from '../../api-contract/flow-key';

/**
 * How the replicas of flows log in at nats. Throws StoreError `stream-failed` when the server refuses or does not respond.
 */
export interface FlowLogins {
  /**
   * The credential files of a flow, by name; undefined if flows have no login of their own. A repeated call returns the same
   * files until their login is to be renewed.
   */
  issue(flow: FlowKey): Promise<CredentialFiles | undefined>;
  /** Nobody gets in any more with what was issued until now. A later `issue` starts anew. */
  revoke(flow: FlowKey): Promise<void>;
}

export type CredentialFiles = { readonly [file: string]: string };

/** All flows log in with what the settings of pods name. */
export const sharedLogin: FlowLogins = {
  issue: async () => undefined,
  revoke: async () => undefined,
};
