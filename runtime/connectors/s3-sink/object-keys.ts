import { parseS3Location } from '../../../lib/plan/s3-location';
import type { SinkRecord } from '../../engine/ports/sink';
import type { ObjectStoreEndpoint, SinkContext } from '../connector';
import { compactTime } from '../record-ids';

/** The keys of an s3-sink's objects: `<folder>/<upstream function>-<creation time of its stream>-<sequence>.<extension>`. */
export class ObjectKeys {
  readonly bucket: string;
  /** The start of the keys of each input. */
  private readonly prefixes: readonly string[];

  constructor({
    spec,
    endpoint,
    inputsCreated,
  }: Pick<SinkContext<ObjectStoreEndpoint>, 'spec' | 'endpoint' | 'inputsCreated'>) {
    const { bucket, prefix } = parseS3Location(endpoint.topics);
    const folder = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
    this.bucket = bucket;
    this.prefixes = spec.inputs.map(
      ({ function: id }, index) => `${folder}${id}-${compactTime(inputsCreated[index])}-`,
    );
  }

  of({ input, sequence }: SinkRecord['origin'], extension: string): string {
    return `${this.prefixes[input]}${String(sequence).padStart(12, '0')}.${extension}`;
  }
}
