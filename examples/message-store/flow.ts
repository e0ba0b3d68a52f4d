import { defineFlow, pythonFile, s3list } from 'kflow';

/** Messages too big for nats go through S3; asked for by the function that publishes them. */
export const flow = defineFlow({
  jobId: 'jobx',
  parallelism: 1,
  directory: __dirname,
  messageStore: {
    enabled: true,
    topics: 'kflowinternal',
    user: 'minioadmin',
    password: 'minioadmin',
    addr: 'host.docker.internal:9000',
  },
});

const store = { addr: 'host.docker.internal:9000', user: 'minioadmin', password: 'minioadmin' };
const python = { image: 'registry.artemis.public/kflow-basic-python-runtime:dev', imagePullPolicy: 'Always' } as const;

const list = flow.fsSource('list-s3-bucket', { ...store, topics: 's3a://sas', meta: { checkpoint: false } });

const map = flow.process('map', {
  ...python,
  from: list,
  reads: s3list,
  writes: s3list,
  globalConfig: { messageStore: { enabled: true } },
  meta: { container: { env: [{ name: 'KFLOW_STREAM_PROCESS_FUNCTION', value: 'true' }] } },
  run: pythonFile('map.py', 'process'),
});

// print0 has messageStore disabled; consuming a message kept in the message store is supported nonetheless
flow.process('print0', {
  ...python,
  from: map,
  reads: s3list,
  writes: s3list,
  run: pythonFile('print0.py', 'process'),
});
