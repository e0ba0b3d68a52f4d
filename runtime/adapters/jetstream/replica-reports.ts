import type { NatsConnection } from 'nats';
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

/** The latest reports of the replicas of all flows. Replicas report twice a second; reports are not stored. */
export class ReplicaReports {
  private readonly flows = new Map<string, Map<string, Received>>();
  private readonly sweep: NodeJS.Timeout | undefined;

  /** `keepsAll`: keeps the last report of replicas that are gone, as for the totals of one run. */
  constructor(connection: NatsConnection, { keepsAll = false }: { readonly keepsAll?: boolean } = {}) {
    connection.subscribe(countersSubject({ namespace: '*', jobId: '*' }, '*'), {
      callback: (_error, message) => {
        const [, namespace = '', jobId = ''] = message.subject.split('.');
        this.receive({ namespace, jobId }, message.json<ReplicaReport>());
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
    this.flows.set(name, received);
    received.set(`${report.function} ${report.replica} ${report.host} ${report.pid}`, { report, atMs: Date.now() });
  }

  private dropExpired(): void {
    const before = Date.now() - expiryMs;
    for (const [name, received] of this.flows) {
      for (const [replica, { atMs }] of received) if (atMs < before) received.delete(replica);
      if (received.size === 0) this.flows.delete(name);
    }
  }
}
