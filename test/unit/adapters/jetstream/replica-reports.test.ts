import type { Msg, NatsConnection } from 'nats';
import { ReplicaReports } from '../../../../runtime/adapters/jetstream/replica-reports';

const flow = { namespace: 'team', jobId: 'words' };
const report = { function: 'map', replica: 0, host: 'pod', pid: 1, in: 5, out: 4, failed: 1, dead: 0 };

/** The reports over a connection that delivers these payloads as the counters of the flow. */
function received(...payloads: readonly string[]): ReplicaReports {
  return receivedFor(() => 'words', payloads);
}

/** `jobOf`: the flow of a payload, by its index. */
function receivedFor(jobOf: (index: number) => string, payloads: readonly string[]): ReplicaReports {
  let deliver: (error: Error | null, message: Msg) => void = () => undefined;
  const subscribe = (_subject: string, { callback }: { readonly callback: typeof deliver }) => {
    deliver = callback;
  };
  const reports = new ReplicaReports({ subscribe } as unknown as NatsConnection);
  for (const [index, payload] of payloads.entries()) {
    deliver(null, { subject: `kflow-counters.team.${jobOf(index)}.map`, data: Buffer.from(payload) } as unknown as Msg);
  }
  deliver(new Error('refused'), undefined as unknown as Msg);
  reports.close();
  return reports;
}

test.each([
  '',
  'no json',
  '{',
  'null',
  '[]',
  '{"function":1}',
  JSON.stringify({ ...report, in: 'many' }),
  JSON.stringify({ ...report, replica: 1, lastFailure: 'x'.repeat(20_000) }),
])('a report that a flow made up is ignored, and the next one is read: %.60s', (payload) => {
  expect(received(payload, JSON.stringify(report)).of(flow)).toEqual([report]);
});

test('a flow that makes up replicas does not fill the memory of the controller', () => {
  const many = Array.from({ length: 20_000 }, (_, replica) => JSON.stringify({ ...report, replica }));
  expect(received(...many).of(flow)).toHaveLength(10_000);
});

test('a flow that makes up flows does not fill the memory of the controller', () => {
  const jobOf = (index: number) => `made-up-${index}`;
  const many = Array.from({ length: 20_001 }, () => JSON.stringify(report));
  const reports = receivedFor(jobOf, many);
  const of = (jobId: string) => reports.of({ namespace: 'team', jobId });
  expect(of(jobOf(19_999))).toEqual([report]);
  expect(of(jobOf(20_000))).toEqual([]);
});
