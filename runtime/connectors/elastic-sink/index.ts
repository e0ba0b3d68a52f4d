import { FunctionError, StoreError } from '../../../lib/errors';
import type { Sink, SinkRecord, WriteOutcome } from '../../engine/ports/sink';
import type { SearchEndpoint, SearchServer, SinkConnector, SinkContext } from '../connector';
import { RecordIds } from '../record-ids';
import { isTooLarge, outcomeOfItem, outcomeOfRequest } from './bulk-outcome';

/** Records of one write without bulk mode. */
const batchSize = 500;
/** Bytes of one request, until the server refuses a smaller one. */
const maxRequestBytes = 10 * 1024 * 1024;

/** A record as it is sent: its action and its document, each a line. */
interface Action {
  readonly lines: string;
  readonly bytes: number;
}

/**
 * Writes records as documents of an index.
 *
 * I1. The `_id` of a document is the record's id: a redelivered record overwrites its own document.
 * I2. Each record has the outcome of its own item. A request that fails as a whole decides about no record: all of them are
 *     written again.
 * I3. A request that is too large, or that the server cannot read, is sent again in halves. A single record that is refused
 *     so is a letter. Later requests are no larger than what was refused.
 */
class ElasticSink implements Sink {
  readonly batchSize = batchSize;
  readonly concurrentWrites = 2;
  private readonly server: SearchServer;
  private readonly index: string;
  private readonly ids: RecordIds;
  private limitBytes = maxRequestBytes;

  constructor(context: SinkContext<SearchEndpoint>) {
    this.server = context.endpoint.server;
    this.index = context.endpoint.topics;
    this.ids = new RecordIds(context);
  }

  async write(records: readonly SinkRecord[]): Promise<readonly WriteOutcome[]> {
    const actions = records.map((record) => this.actionOf(record));
    const outcomes: WriteOutcome[] = [];
    while (outcomes.length < actions.length) {
      const written = await this.send(this.nextRequest(actions, outcomes.length));
      outcomes.push(...written);
      const [first] = written;
      if (first?.is !== 'later' || written.some(({ is }) => is !== 'later')) continue;
      // the server takes nothing now: the rest is not tried
      while (outcomes.length < actions.length) outcomes.push(first);
    }
    return outcomes;
  }

  close(): Promise<void> {
    return this.server.close();
  }

  private actionOf(record: SinkRecord): Action {
    const action = JSON.stringify({ index: { _index: this.index, _id: this.ids.of(record) } }); // I1
    const lines = `${action}\n${record.json()}\n`;
    return { lines, bytes: Buffer.byteLength(lines) };
  }

  /** The actions from `start` on that fit into one request, at least one. */
  private nextRequest(actions: readonly Action[], start: number): readonly Action[] {
    let bytes = 0;
    let end = start;
    for (; end < actions.length; end++) {
      bytes += actions[end]?.bytes ?? 0;
      if (end > start && bytes > this.limitBytes) break;
    }
    return actions.slice(start, end);
  }

  private async send(actions: readonly Action[]): Promise<readonly WriteOutcome[]> {
    const answer = await this.server.bulk(actions.map(({ lines }) => lines).join(''));
    const { address } = this.server;
    if (answer.is === 'items') {
      return actions.map((_, index): WriteOutcome => {
        const item = answer.items[index];
        if (item !== undefined) return outcomeOfItem(item, `${address}, index ${this.index}`);
        return { is: 'later', error: new StoreError('store-failed', `${address}: the answer lacks items`) };
      });
    }
    if (answer.is === 'refused' && (answer.status === 413 || answer.status === 400)) return this.halve(actions, answer); // I3
    const outcome = outcomeOfRequest(answer, address);
    return actions.map(() => outcome); // I2
  }

  /** I3 */
  private async halve(
    actions: readonly Action[],
    refusal: { readonly status: number; readonly reason: string },
  ): Promise<readonly WriteOutcome[]> {
    const bytes = actions.reduce((sum, action) => sum + action.bytes, 0);
    if (actions.length === 1) {
      const text = `${this.server.address}: document of ${bytes} bytes refused: ${refusal.status} ${refusal.reason}`;
      const code = isTooLarge(refusal) ? 'payload-too-large' : 'record-invalid';
      return [{ is: 'failed', error: new FunctionError(code, text), isRetryable: false }];
    }
    if (isTooLarge(refusal)) this.limitBytes = Math.min(this.limitBytes, Math.ceil(bytes / 2));
    const middle = Math.ceil(actions.length / 2);
    const first = await this.send(actions.slice(0, middle));
    return [...first, ...(await this.send(actions.slice(middle)))];
  }
}

export const connector: SinkConnector<SearchEndpoint> = {
  open: async (context) => new ElasticSink(context),
};
