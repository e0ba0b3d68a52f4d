import type { NatsConnection } from 'nats';
import { z } from 'zod';
import { countersSubject } from '../../../lib/plan/names';
import type { FlowKey } from '../../api-contract/flow-key';
import { flowName } from '../../api-contract/flow-key';
import type { ReplicaReport } from '../../engine/counters';

/** A replica that has not reported for this time is gone. */
const expiryMs = 5_000;

interface Received {
  readonly report: ReplicaReport;
  readonly atMs: number;
}

/** Reports of one flow, of which no real one has as many replicas. */
const maxReports = 10_000;
/** Reports of all flows of a connection: the code of a flow can make up flows too. */
const maxAllReports = 20_000;
/** Bytes of a report; a replica cuts its last failure far below. */
const maxBytes = 16 * 1_024;

const reportSchema = z.object({
  function: z.string(),
  replica: z.number(),
  host: z.string(),
  pid: z.number(),
  in: z.number(),
  out: z.number(),
  failed: z.number(),
  dead: z.number(),
  lastFailure: z.string().optional(),
  waiting: z.string().optional(),
});

/**
 * Undefined for anything else: the code of a flow can publish what it likes, and a callback that throws ends the connection
 * of the client.
 */
function reportOf(data: Uint8Array): ReplicaReport | undefined {
  if (data.length > maxBytes) return undefined;
  try {
    return reportSchema.safeParse(JSON.parse(Buffer.from(data).toString())).data;
  } catch {
    return undefined; // no JSON
  }
}

/** The latest reports of the replicas of all flows. Replicas report twice a second; reports are not stored. */
export class ReplicaReports {
  private readonly flows = new Map<string, Map<string, Received>>();
  private readonly sweep: NodeJS.Timeout | undefined;
  /** Reports of all flows. */
  private count = 0;

  /** `keepsAll`: keeps the last report of replicas that are gone, as for the totals of one run. */
  constructor(connection: NatsConnection, { keepsAll = false }: { readonly keepsAll?: boolean } = {}) {
    connection.subscribe(countersSubject({ namespace: '*', jobId: '*' }, '*'), {
      callback: (error, message) => {
        if (error !== null) return;
        const [, namespace = '', jobId = ''] = message.subject.split('.');
        const report = reportOf(message.data);
        if (report !== undefined) this.receive({ namespace, jobId }, report);
      },
    });
    if (keepsAll) return;
    this.sweep = setInterval(() => this.dropExpired(), expiryMs);
    this.sweep.unref();
  }

  of(flow: FlowKey): readonly ReplicaReport[] {
    return [...(this.flows.get(flowName(flow))?.values() ?? [])].map(({ report }) => report);
  }

  close(): void {
    clearInterval(this.sweep);
  }

  private receive(flow: FlowKey, report: ReplicaReport): void {
    const name = flowName(flow);
    const received = this.flows.get(name) ?? new Map<string, Received>();
    const replica = `${report.function} ${report.replica} ${report.host} ${report.pid}`;
    if (!received.has(replica)) {
      if (received.size >= maxReports || this.count >= maxAllReports) return;
      this.count += 1;
    }
    this.flows.set(name, received);
    received.set(replica, { report, atMs: Date.now() });
  }

  private dropExpired(): void {
    const before = Date.now() - expiryMs;
    for (const [name, received] of this.flows) {
      for (const [replica, { atMs }] of received) if (atMs < before && received.delete(replica)) this.count -= 1;
      if (received.size === 0) this.flows.delete(name);
    }
  }
}
