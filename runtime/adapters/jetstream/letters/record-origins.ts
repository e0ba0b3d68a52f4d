import type { NatsConnection } from 'nats';
import type { FunctionSpec, OutputSpec } from '../../../../lib/plan/function-spec';
import { originOf } from '../../../engine/output-writer';
import type { Delivery } from '../../../engine/ports/delivery';
import type { OriginLookup } from '../../../engine/preparation';
import { OriginIndex } from '../origin-index';
import { readIds } from '../read-ids';
import { ignoreMissing, retryRequest } from '../retry-request';
import { Batched } from './batched';

interface Search {
  readonly origin: string;
  readonly sinceMs: number;
  readonly found: Set<number>;
}

/**
 * Finds stored outputs of records: of messages of the input streams by an index, and of redriven letters by a search. A letter
 * knows its outputs from before the redrive, so the search begins there.
 */
export class RecordOrigins implements OriginLookup {
  private readonly index: OriginIndex;
  private readonly searches = new Batched<Search>((searches) => this.search(searches));

  constructor(
    private readonly connection: NatsConnection,
    private readonly spec: FunctionSpec,
    private readonly outputs: readonly OutputSpec[],
  ) {
    this.index = new OriginIndex(connection, spec, outputs);
  }

  async publishedFor(message: Delivery): Promise<ReadonlySet<number>> {
    if (message.redriven === undefined) return this.index.publishedFor(message);
    const search = { origin: originOf(this.spec, message), sinceMs: message.timestampMs, found: new Set<number>() };
    await this.searches.add(search);
    return search.found;
  }

  private async search(searches: readonly Search[]): Promise<void> {
    const byOrigin = new Map(searches.map((search) => [search.origin, search]));
    const start = { sinceMs: Math.min(...searches.map(({ sinceMs }) => sinceMs)) };
    const read = (id: string) => {
      const end = id.lastIndexOf(':');
      byOrigin.get(id.slice(0, end))?.found.add(Number(id.slice(end + 1)));
    };
    for (const { stream } of this.outputs) {
      await retryRequest(() => ignoreMissing(readIds(this.connection, { stream, start }, read)));
    }
  }
}
