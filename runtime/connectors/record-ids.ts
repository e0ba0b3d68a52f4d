import type { SinkRecord } from '../engine/ports/sink';
import type { SinkContext } from './connector';

/**
 * Names records outside of KFlow: `<stream>:<creation time of the stream>:<sequence>`. A record has the same id at each
 * delivery, and no other record has it, also when a stream of the same name counts from 1 again.
 */
export class RecordIds {
  private readonly prefixes: readonly string[];

  constructor({ spec, inputsCreated }: Pick<SinkContext, 'spec' | 'inputsCreated'>) {
    this.prefixes = spec.inputs.map(({ stream }, index) => `${stream}:${compactTime(inputsCreated[index])}`);
  }

  of({ origin }: Pick<SinkRecord, 'origin'>): string {
    return `${this.prefixes[origin.input]}:${origin.sequence}`;
  }
}

/** A time as `20261122T194022123Z`. */
export function compactTime(time: Date | undefined): string {
  return (time ?? new Date(0)).toISOString().replace(/[-:.]/g, '');
}
