import type {
  PublishedRevision,
  PublishRequest,
  RevisionDetail,
  RevisionQuery,
  RevisionView,
} from '../../../api-contract/revisions';
import type { Requester } from '../../flows/ports/flow-service';

/**
 * The operations of the API on revisions. `ref` is a UUID, or GROUP:TAG. Throws
 *
 * - TopologyError with every problem of a document;
 * - ConfigError `setting-missing` for a publication without a tag, `setting-invalid` for one that cannot be used;
 * - StateError `revision-missing`; `state-invalid` when the state of the revision, which the message names, does not allow the
 *   change, or when a tag or an id belongs to another revision;
 * - StoreError when a server behind the controller fails.
 */
export interface RevisionService {
  publish(namespace: string, request: PublishRequest, requester: Requester): Promise<PublishedRevision>;
  /** Sorted by namespace, group and time of publication. Without a namespace, those of all namespaces. */
  list(namespace: string | undefined, query: RevisionQuery): Promise<readonly RevisionView[]>;
  get(namespace: string, ref: string): Promise<RevisionDetail>;
  release(namespace: string, ref: string, requester: Requester): Promise<RevisionView>;
  disable(namespace: string, ref: string, requester: Requester): Promise<RevisionView>;
  /** Removes a draft. */
  delete(namespace: string, ref: string, requester: Requester): Promise<void>;
}
