import type { JetStreamManager } from 'nats';
import { FunctionError } from '../../../lib/errors';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { type ClaimSource, parseClaim } from '../../engine/claim';
import type { LogLevel, SchemaSource } from '../../engine/ports/host';
import type { SinkRecord } from '../../engine/ports/sink';
import { ReaderProjection } from '../../engine/reader-projection';
import { ignoreMissing, retryRequest } from './retry-request';

interface ReaderProps {
  readonly spec: Pick<FunctionSpec, 'schema' | 'inputs'>;
  readonly manager: JetStreamManager;
  readonly claims: ClaimSource;
  readonly schemas: SchemaSource;
  readonly log: (level: LogLevel, text: string) => void;
}

/** Reads records of a sink's inputs by their sequence, whoever they were delivered to. */
export class RecordReader {
  private readonly projection: ReaderProjection;

  constructor(private readonly props: ReaderProps) {
    this.projection = new ReaderProjection(props.spec.schema, props.schemas);
  }

  /** Undefined if the stream does not have the record any more, or if it cannot be read, which is logged. */
  async read(origin: SinkRecord['origin']): Promise<SinkRecord | undefined> {
    const { spec, manager, claims, log } = this.props;
    const stream = spec.inputs[origin.input]?.stream ?? '';
    const query = { seq: origin.sequence };
    const found = await ignoreMissing(retryRequest(() => manager.streams.getMessage(stream, query)));
    if (found === undefined) return undefined;
    try {
      const claim = parseClaim(found.data);
      const payload = claim === undefined ? found.data : await claims.fetch(claim);
      return { ...(await this.projection.read(payload)), origin };
    } catch (error) {
      if (!(error instanceof FunctionError)) throw error;
      log('WARNING', `record ${stream}:${origin.sequence} cannot be read again: ${error.message}`);
      return undefined;
    }
  }
}
