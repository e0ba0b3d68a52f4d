import type { FunctionSpec } from '../../lib/plan/function-spec';
import { ObjectDownloads } from '../adapters/s3/object-downloads';
import type { S3ObjectStore } from '../adapters/s3/object-store';
import { AvroSchemaCodec } from '../engine/avro-message';
import type { SchemaSource } from '../engine/ports/host';
import { StepLoop } from '../steps/step-loop';
import { StepRecords } from '../steps/step-records';
import { StepWatcher } from '../steps/step-watcher';
import { aborted, hostOf, type ReplicaContext } from './replica-context';
import { openObjectStore } from './resolve-endpoint';

type Steps = NonNullable<FunctionSpec['steps']>;
type StepContext = Omit<ReplicaContext, 'links'>;

/** Runs a function step by step, on the objects of its folder, until `stop`. Neither NATS nor another function is needed. */
export async function runSteps(context: StepContext, steps: Steps): Promise<void> {
  const { spec, environment, counters, observer, log, health, stop } = context;
  const store = openObjectStore(steps, { environment, log });
  const schemas = schemasOf(spec, steps);
  health.enter('loading');
  try {
    if (spec.makesBuckets === true) await store.ensureBucket(steps.bucket);
    const loop = new StepLoop({
      spec,
      schemas,
      createHost: (events) => hostOf({ spec, environment, log, links: { schemas } }, events),
      counters,
      ...(observer === undefined ? {} : { observer }),
      log,
      isLongRunning: environment.isLongRunning,
      ...downloadsOf(context, { steps, store, schemas }),
    });
    let onBroken: (cause: Error) => void = () => undefined;
    const broken = new Promise<never>((_, reject) => {
      onBroken = reject;
    });
    broken.catch(() => undefined); // raced below
    await loop.start((cause) => {
      health.hostDied();
      onBroken(cause);
    });
    health.enter('working');
    log(
      'INFO',
      `started step by step, process ${process.pid}: takes objects from s3a://${steps.bucket}/${steps.inDir}`,
    );
    const records = new StepRecords(steps);
    const watcher = new StepWatcher({ function: spec.function, store, place: steps, records, loop, log });
    try {
      await Promise.race([watcher.watch(stop), aborted(stop), broken]);
    } finally {
      await loop.stop(stop.aborted ? environment.shutdownMs : 0);
      await watcher.settled();
    }
    health.enter('ending');
  } finally {
    await store.close();
  }
}

/** The schemas of the records that a step may read or write. */
function schemasOf(spec: FunctionSpec, { schemas }: Steps): SchemaSource {
  const all = [...schemas, spec.schema, ...spec.sideOutputs.map((side) => side.schema)];
  const byFingerprint = new Map(
    all.flatMap((schema) => (schema === undefined ? [] : [[new AvroSchemaCodec(schema).fingerprint, schema] as const])),
  );
  return {
    schemaOf: async (fingerprint) => {
      const schema = byFingerprint.get(fingerprint);
      if (schema === undefined) throw new Error(`no schema of the function has the fingerprint ${fingerprint}`);
      return schema;
    },
  };
}

/** Downloads what records name, for functions with automatic download: an object of the folder from the store of the steps. */
function downloadsOf(
  { spec, environment, log }: StepContext,
  { steps, store, schemas }: { readonly steps: Steps; readonly store: S3ObjectStore; readonly schemas: SchemaSource },
): { readonly downloads?: ObjectDownloads } {
  const { download } = spec;
  if (download === undefined) return {};
  const own = openObjectStore(download, { environment, log });
  const downloads = new ObjectDownloads({
    store: {
      download: (bucket, key, file) =>
        (bucket === steps.bucket && key.startsWith(steps.inDir) ? store : own).download(bucket, key, file),
    },
    schemas,
    isFailureSkipped: environment.isDownloadFailureSkipped,
    log,
    ...(download.directory === undefined ? {} : { directory: download.directory }),
  });
  return { downloads };
}
