import { createHash } from 'node:crypto';
import { StoreError } from '../../lib/errors';
import { type FlowKey, flowName } from '../../runtime/api-contract/flow-key';
import type { FlowRecord } from '../../runtime/controller/flows/ports/flow-record';
import type { FlowEvent, FlowStore } from '../../runtime/controller/flows/ports/flow-store';
import { Changes } from './changes';

/** A `FlowStore` in memory. Texts and records are copied, so that callers cannot change them afterwards. */
export class MemoryFlowStore implements FlowStore {
  private readonly documents = new Map<string, string>();
  private readonly saved = new Map<string, FlowRecord>();
  private readonly log: FlowEvent[] = [];
  private readonly changes = new Changes();

  async putDocument(flow: FlowKey, text: string): Promise<string> {
    const digest = createHash('sha256').update(text).digest('hex').slice(0, 32);
    this.documents.set(documentName(flow, digest), text);
    return digest;
  }

  async document(flow: FlowKey, digest: string): Promise<string> {
    const text = this.documents.get(documentName(flow, digest));
    if (text !== undefined) return text;
    throw new StoreError('document-missing', `${flowName(flow)} has no document ${digest}`, { where: flowName(flow) });
  }

  async removeDocuments(flow: FlowKey, digests?: readonly string[]): Promise<void> {
    const all = [...this.documents.keys()].filter((name) => name.startsWith(documentName(flow, '')));
    const names = digests === undefined ? all : digests.map((digest) => documentName(flow, digest));
    for (const name of names) this.documents.delete(name);
  }

  async record(flow: FlowKey): Promise<FlowRecord | undefined> {
    return structuredClone(this.saved.get(flowName(flow)));
  }

  async saveRecord(record: FlowRecord): Promise<void> {
    this.saved.set(flowName(record), structuredClone(record));
  }

  async records(namespace?: string): Promise<readonly FlowRecord[]> {
    const records = [...this.saved.values()].filter((each) => namespace === undefined || each.namespace === namespace);
    return structuredClone(records.sort((one, other) => (flowName(one) < flowName(other) ? -1 : 1)));
  }

  async addEvent(event: FlowEvent): Promise<void> {
    if (this.log.some(({ id }) => id === event.id)) return;
    this.log.push(structuredClone(event));
    this.changes.notify();
  }

  async events(
    of: Partial<FlowKey>,
    { limit, kind }: { readonly limit?: number; readonly kind?: FlowEvent['kind'] } = {},
  ): Promise<readonly FlowEvent[]> {
    const events = this.log.filter((event) => isOf(event, of) && (kind === undefined || event.kind === kind));
    return limit === undefined ? events : events.slice(-limit);
  }

  async followEvents(of: Partial<FlowKey>, signal: AbortSignal): Promise<AsyncIterable<FlowEvent>> {
    return this.eventsFrom(this.log.length, of, signal);
  }

  async ping(): Promise<void> {}

  private async *eventsFrom(begin: number, of: Partial<FlowKey>, signal: AbortSignal): AsyncIterable<FlowEvent> {
    for (let next = begin; await this.changes.until(() => this.log.length > next, signal); next += 1) {
      const event = this.log[next];
      if (event !== undefined && isOf(event, of)) yield event;
    }
  }
}

function documentName(flow: FlowKey, digest: string): string {
  return `${flowName(flow)}/${digest}`;
}

function isOf(event: FlowKey, { namespace, jobId }: Partial<FlowKey>): boolean {
  return (namespace === undefined || event.namespace === namespace) && (jobId === undefined || event.jobId === jobId);
}
