import type { BulkAnswer, BulkItem, SearchServer } from '../../runtime/connectors/connector';

/** The bulk API of a search server, in memory. Every index has a number as `n`. */
export class MemorySearchServer implements SearchServer {
  readonly address = 'http://memory:9200';
  isAway = false;
  /** Bytes of each request. */
  readonly requests: number[] = [];
  /** The answer to a request, in place of that of the server. */
  answer: ((lines: string) => BulkAnswer | undefined) | undefined;
  /** The answer to the item of a document, in place of that of the server. */
  item: ((document: string) => BulkItem | undefined) | undefined;
  private readonly indices = new Map<string, Map<string, string>>();

  async bulk(lines: string): Promise<BulkAnswer> {
    this.requests.push(Buffer.byteLength(lines));
    if (this.isAway) return { is: 'lost', reason: 'connect ECONNREFUSED' };
    const answer = this.answer?.(lines);
    if (answer !== undefined) return answer;
    const parts = lines.trimEnd().split('\n');
    const items: BulkItem[] = [];
    for (let at = 0; at < parts.length; at += 2) items.push(this.write(parts[at] ?? '', parts[at + 1] ?? ''));
    return { is: 'items', items };
  }

  /** The documents of an index, by their id. */
  documents(index: string): ReadonlyMap<string, string> {
    return this.indices.get(index) ?? new Map();
  }

  async close(): Promise<void> {}

  private write(action: string, document: string): BulkItem {
    const given = this.item?.(document);
    if (given !== undefined) return given;
    const { _index: name, _id: id } = (JSON.parse(action) as { index: { _index: string; _id: string } }).index;
    if (typeof (JSON.parse(document) as { n: unknown }).n !== 'number') {
      return { status: 400, type: 'mapper_parsing_exception', reason: 'failed to parse field [n]' };
    }
    const index = this.indices.get(name) ?? new Map<string, string>();
    this.indices.set(name, index);
    const status = index.has(id) ? 200 : 201;
    index.set(id, document);
    return { status };
  }
}
