import { ConfigError } from '../../../lib/errors';
import { parseS3Location } from '../../../lib/plan/s3-location';
import { SinkHost } from '../../engine/sink-host';
import type { SinkConnector } from '../connector';
import { renderJson } from './render-json';

/** Objects written at once by one replica. */
const concurrency = 32;

/**
 * Writes each record as one JSON object. Its key names the message it came in: the upstream function, when that
 * function's stream was made, and the sequence in it. So a replay overwrites, and another life of the flow does not.
 */
export const createSink: SinkConnector['createSink'] = async (context, events) => {
  const { spec, schemas } = context;
  if (spec.endpoint === undefined)
    throw new ConfigError('config-invalid', `${spec.function}: the spec has no endpoint`);
  const store = context.objectStore(spec.endpoint);
  const { bucket, prefix } = parseS3Location(spec.endpoint.topics);
  const folder = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
  const names = spec.inputs.map((input, index) => `${input.function}-${compact(context.inputsCreated[index])}`);
  return new SinkHost({
    spec,
    events,
    schemas,
    concurrency,
    write: async (record, origin) => {
      const key = `${folder}${names[origin.input]}-${String(origin.sequence).padStart(12, '0')}.json`;
      await store.put(bucket, key, Buffer.from(`${renderJson(record)}\n`), 'application/json');
    },
  });
};

/** A time as `20261122T194022123Z`. */
function compact(time: Date | undefined): string {
  return (time ?? new Date(0)).toISOString().replace(/[-:.]/g, '');
}
