import { Testing } from 'cdk8s';
import { Flow } from '../../../lib/constructs/flow';
import { FlowApp } from '../../../lib/constructs/flow-app';

const document = (addr: string, create = 'true') => ({
  jobId: 'job',
  globalConfig: {
    sideStream: { enabled: true, addr, errorTopics: 'Kflow_Error.all,kflow-more.map' },
    container: { env: [{ name: 'KFLOW_CREATE_SIDESTREAM', value: create }] },
  },
  dag: [
    { id: 'in', type: 'raw-source', schema: { type: 'record', name: 'n', fields: [] }, image: 'i:1', out: ['leaf'] },
    { id: 'leaf', type: 'raw', image: 'i:1' },
  ],
});

interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: { readonly [label: string]: string } };
  readonly spec: { readonly name: string; readonly subjects: readonly string[] };
}

function errorStreams(topology: object): readonly Rendered[] {
  const flow = Flow.fromTopology(new FlowApp(), 'flow', topology, {
    image: 'kflow:1',
    natsUrl: 'nats://nats.nats.svc:4222',
  });
  const objects: readonly Rendered[] = Testing.synth(flow);
  return objects.filter(({ kind, metadata }) => kind === 'Stream' && metadata.labels['kflow.io/stream'] === 'errors');
}

test('streams of errors at the flow’s own nats are synthesized, whichever way that is written', () => {
  for (const addr of ['nats://nats.nats.svc:4222', 'nats.nats.svc', 'tls://NATS.nats.svc:4222']) {
    expect(errorStreams(document(addr)).map(({ metadata, spec }) => [metadata.name, spec.name, spec.subjects])).toEqual(
      [
        ['job----errors-kflow-error', 'Kflow_Error', ['Kflow_Error.>']],
        ['job----errors-kflow-more', 'kflow-more', ['kflow-more.>']],
      ],
    );
  }
});

test('streams of another nats, and those that exist, are not', () => {
  expect(errorStreams(document('nats://errors.svc:4222'))).toEqual([]);
  expect(errorStreams(document('nats://nats.nats.svc:4222', 'false'))).toEqual([]);
});
