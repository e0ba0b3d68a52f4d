import { hostname } from 'node:os';
import { countersSubject } from '../../lib/plan/names';
import type { ReplicaReport } from '../engine/counters';
import type { ReplicaContext } from './replica-context';

const reportEveryMs = 500;

/** Says the replica's counters twice a second, and once more when it is stopped. */
export function startCounterReports({ spec, environment, links, counters }: ReplicaContext): { stop(): void } {
  const subject = countersSubject(spec, spec.function);
  const report = () => {
    const said: ReplicaReport = {
      function: spec.function,
      replica: environment.replica,
      host: hostname(),
      pid: process.pid,
      ...counters,
    };
    links.connection.publish(subject, JSON.stringify(said));
  };
  const timer = setInterval(report, reportEveryMs);
  return {
    stop: () => {
      clearInterval(timer);
      report();
    },
  };
}
