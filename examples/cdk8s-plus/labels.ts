import { type App, Chart, Size } from 'cdk8s';
import * as kplus from 'cdk8s-plus-28';
import { avro, defineFlow, fromModule, s3list } from 'kflow';
import { Flow } from 'kflow/constructs';

const label = avro.record('label', { key: avro.string, label: avro.string });

/** A flow that uses objects of cdk8s-plus: what it needs is one chart, the flow itself another. */
export function addLabels(app: App): Flow {
  const namespace = 'labels';
  const base = new Chart(app, 'labels-base', { namespace });
  const account = new kplus.ServiceAccount(base, 'Account');
  // created outside, by External Secrets for example, with the keys `user` and `password`
  const minio = kplus.Secret.fromSecretName(base, 'Minio', 'minio');
  const model = kplus.Secret.fromSecretName(base, 'Model', 'model-registry');
  const extensions = new kplus.ConfigMap(base, 'Extensions', {
    data: { 'images.txt': 'gif\njpg\npng\n', default: 'other' },
  });
  const scratch = kplus.Volume.fromEmptyDir(base, 'Scratch', 'scratch', { sizeLimit: Size.gibibytes(2) });

  const stream = { maxBytes: Size.mebibytes(512) };
  const flow = defineFlow({ jobId: 'labels', namespace, mode: 'stream', directory: __dirname, stream });
  const files = flow.fsSource('list', { addr: 'minio.minio.svc:9000', topics: 's3a://images', secret: minio });
  const labels = flow.process('classify', {
    from: files,
    reads: s3list,
    writes: label,
    meta: {
      container: {
        env: [
          { name: 'FALLBACK', value: kplus.EnvValue.fromConfigMap(extensions, 'default') },
          { name: 'REGISTRY_TOKEN', value: kplus.EnvValue.fromSecretValue({ secret: model, key: 'token' }) },
          { name: 'NODE_NAME', value: kplus.EnvValue.fromFieldRef(kplus.EnvFieldPaths.NODE_NAME) },
        ],
        resources: {
          requests: { cpu: kplus.Cpu.millis(250), memory: Size.mebibytes(512) },
          limits: { memory: Size.gibibytes(1), 'ephemeral-storage': Size.gibibytes(4) },
        },
        volumeMounts: [
          { volume: extensions, path: '/etc/extensions', readOnly: true },
          { volume: scratch, path: '/scratch' },
        ],
      },
    },
    run: fromModule<typeof import('./classify'), 'classify'>('./classify.ts', 'classify'),
  });
  flow.elasticSink('index', { from: labels, reads: label, addr: 'elastic.search.svc:9200', topics: 'labels' });

  return Flow.fromDefinition(app, 'labels', flow, { serviceAccount: account });
}
