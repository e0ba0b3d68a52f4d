import { isPlainMap } from '../../../lib/plain-map';
import { type Claim, holdsClaim, isClaim, markedClaim } from '../../../lib/tasks/advance/claims';
import type { TaskValues } from './ports/task-values';

/** The values of one execution, of which the large ones are claims. */
export class ClaimedValues {
  constructor(
    private readonly values: TaskValues,
    private readonly namespace: string,
    private readonly mark: string,
  ) {}

  /** With values in place of all claims. */
  async resolve(value: unknown): Promise<unknown> {
    if (!holdsClaim(value, this.mark)) return value;
    if (isClaim(value, this.mark)) return this.valueOf(value);
    if (Array.isArray(value)) return Promise.all(value.map((item) => this.resolve(item)));
    if (!isPlainMap(value)) return value;
    const fields = Object.entries(value).map(async ([key, field]) => [key, await this.resolve(field)] as const);
    return Object.fromEntries(await Promise.all(fields));
  }

  /** The value, or its claim if it is large. */
  async keep(key: string, value: unknown): Promise<unknown> {
    const kept = await this.values.put(this.namespace, key, value);
    return kept === value ? value : this.marked(kept);
  }

  /** The value as a message has it; a claim is passed on. */
  async toMessage(key: string, value: unknown): Promise<unknown> {
    if (isClaim(value, this.mark) && value.$claim.at === undefined) {
      const { mark: _, ...claim } = value.$claim;
      return { $claim: claim };
    }
    return this.toStore(key, value);
  }

  /** The value, or the claim of an object of its own, for workers and other executions. */
  async toStore(key: string, value: unknown, maxInlineBytes?: number): Promise<unknown> {
    return this.values.put(this.namespace, key, await this.resolve(value), maxInlineBytes);
  }

  /** The inverse of `toStore`. */
  marked(value: unknown): unknown {
    return markedClaim(value, this.mark);
  }

  private async valueOf({ $claim: { key, at = [] } }: Claim): Promise<unknown> {
    let found = await this.values.get(this.namespace, key);
    for (const index of at) found = (found as readonly unknown[])[index];
    return found;
  }
}
