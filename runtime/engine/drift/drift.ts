/** What somebody changed from outside in the streams and consumers of a flow, and what replicas have lost. */
export type DriftReason =
  /** A consumer was removed, or recreated with another position; it continues after the last known ack floor. */
  | 'ConsumerRecreated'
  /** Settings of a consumer were changed, or it was paused. */
  | 'ConsumerRestored'
  /** A stream was removed. */
  | 'StreamRecreated'
  /** Settings of a stream were changed. */
  | 'StreamRestored'
  /** Settings of a stream were changed, and whoever applied the manifests must restore them. */
  | 'StreamChanged'
  /** A function's records were removed before the function had processed them. */
  | 'RecordsRemoved'
  /** A replica ended before records that cannot be read again, or the aggregate of records, were stored. */
  | 'RecordsLost'
  /** Dead letters were removed together with their stream. */
  | 'LettersRemoved'
  /** The bucket with the flow's state, or that of the schemas, was removed. */
  | 'StateRestored';

/** A change from outside, and how it was reconciled; kept in the flow's state until the next run. */
export interface Drift {
  /** Identifies the change: the same for every replica that notices it. */
  readonly id: string;
  /** The function that noticed the change. */
  readonly function: string;
  readonly reason: DriftReason;
  /** What was changed, what follows, and what to do; one line. */
  readonly message: string;
  /** ISO time. */
  readonly at: string;
  /** Upper bound of the records that the function will not process. */
  readonly lost?: number;
}

/** Records that a function will not process because somebody removed them; at most. */
export function lostOf(drifts: readonly Drift[]): number {
  return drifts.reduce((sum, { lost = 0 }) => sum + lost, 0);
}
