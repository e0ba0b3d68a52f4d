/** Names of failed records that are remembered. */
const maxNames = 1_000;
/** How long no host is doubted after a doubt that has helped no record. */
const trustMs = 60_000;

/** What follows from a record's failure in a host. */
export const Verdict = {
  /** It is the record's failure. */
  Failed: 'failed',
  /** Replace the host, and repeat the attempt alone in the new one. */
  Repeat: 'repeat',
  /** It is the record's failure, and may have spoiled the host: replace that. */
  FailedAlone: 'failed alone',
} as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

/**
 * Notices a host that earlier records have spoiled, by a global variable or by memory that is used up: records have succeeded
 * in it, and now they fail. A last attempt in such a host is repeated, alone, in a new one.
 *
 * D1. A host is doubted when, since the last success in it, more than one record has failed; or one, if the last doubt has
 *     helped.
 * D2. A doubt helps when a record that failed in the doubted host succeeds in a later one. After a doubt that does not, none
 *     follows for a minute: records that cannot be processed must not cost a process each.
 */
export class SpoiledHost {
  private hasSucceeded = false;
  /** Records that failed in this host since the last success in it. */
  private failedInARow = new Set<string>();
  /** Records that failed in the host that was doubted last. */
  private failedBefore = new Set<string>();
  private hasHelped = false;
  private repeated: string | undefined;
  private trustedUntilMs = Number.NEGATIVE_INFINITY;

  /** A record has succeeded in the host. */
  succeeded(record: { readonly name: string }): void {
    this.hasSucceeded = true;
    this.repeated = undefined;
    if (this.failedInARow.size > 0) this.failedInARow.clear();
    if (this.failedBefore.size === 0 || !this.failedBefore.has(record.name)) return;
    this.failedBefore.clear();
    this.hasHelped = true;
    this.trustedUntilMs = Number.NEGATIVE_INFINITY;
  }

  /** The record has failed in the host. */
  failed(record: string, isLastAttempt: boolean, nowMs: number): Verdict {
    if (record === this.repeated) {
      this.replaced();
      return Verdict.FailedAlone;
    }
    if (this.failedInARow.size < maxNames) this.failedInARow.add(record);
    const isDoubted = this.failedInARow.size > (this.hasHelped ? 0 : 1) && nowMs >= this.trustedUntilMs;
    if (!isDoubted || !isLastAttempt || !this.hasSucceeded) return Verdict.Failed;
    this.failedBefore = this.failedInARow;
    this.hasHelped = false;
    this.trustedUntilMs = nowMs + trustMs;
    this.replaced();
    this.repeated = record;
    return Verdict.Repeat;
  }

  /** Another host takes the place of this one. */
  replaced(): void {
    this.hasSucceeded = false;
    this.failedInARow = new Set();
    this.repeated = undefined;
  }
}
