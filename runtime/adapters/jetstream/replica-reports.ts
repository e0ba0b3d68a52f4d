import type { NatsConnection } from 'nats';
import { countersSubject } from '../../../lib/plan/names';
import type { FlowKey } from '../../api-contract/flow-key';
import { flowName } from '../../api-contract/flow-key';
import type { ReplicaReport } from '../../engine/counters';

/** A replica that has not said anything for so long is gone. */
const forgetAfterMs = 5_000;

interface Heard {
  readonly report: ReplicaReport;
  readonly atMs: number;
}

/** What the replicas of all flows last said of themselves; they say it twice a second, and nothing keeps it. */
export class ReplicaReports {
  private readonly flows = new Map<string, Map<string, Heard>>();
  private readonly sweep: NodeJS.Timeout | undefined;

  /** `keepsAll`: what replicas that are gone said last is kept, as for the counts of one run. */
  constructor(connection: NatsConnection, { keepsAll = false }: { readonly keepsAll?: boolean } = {}) {
    connection.subscribe(countersSubject({ namespace: '*', jobId: '*' }, '*'), {
      callback: (_error, message) => {
        const [, namespace = '', jobId = ''] = message.subject.split('.');
        this.hear({ namespace, jobId }, message.json<ReplicaReport>());
      },
    });
    if (keepsAll) return;
    this.sweep = setInterval(() => this.forgetSilent(), forgetAfterMs);
    this.sweep.unref();
  }

  of(flow: FlowKey): readonly ReplicaReport[] {
    return [...(this.flows.get(flowName(flow))?.values() ?? [])].map(({ report }) => report);
  }

  close(): void {
    clearInterval(this.sweep);
  }

  private hear(flow: FlowKey, report: ReplicaReport): void {
    const name = flowName(flow);
    const heard = this.flows.get(name) ?? new Map<string, Heard>();
    this.flows.set(name, heard);
    heard.set(`${report.function} ${report.replica} ${report.host} ${report.pid}`, { report, atMs: Date.now() });
  }

  private forgetSilent(): void {
    const before = Date.now() - forgetAfterMs;
    for (const [name, heard] of this.flows) {
      for (const [replica, { atMs }] of heard) if (atMs < before) heard.delete(replica);
      if (heard.size === 0) this.flows.delete(name);
    }
  }
}
