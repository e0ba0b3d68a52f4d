import type { MemoryStreams } from '../adapters/memory/memory-streams';

/**
 * When a replica ends. `start`: its function has got the record. `output`: the first output of the record is stored, and the
 * replica does not know that. `ack`: all outputs are stored, or the dead letter is, and the ack is not sent.
 */
export type Moment = 'start' | 'output' | 'ack';

/** A message of a stream. */
export interface MessageOrigin {
  readonly stream: string;
  readonly sequence: number;
}

/** A line of a test's input that ends a replica. */
export interface Interruption {
  readonly kind: 'crash' | 'pause';
  readonly function: string;
  readonly moment: Moment;
  /** The record of the test's input before the line; of a line in front, the first one. */
  readonly root: MessageOrigin;
  /** Names the line: `input[3]`. */
  readonly path: string;
}

/** The lines of a test that have not ended a replica yet. */
export class Interruptions {
  private readonly waiting: Interruption[];

  constructor(
    lines: readonly Interruption[],
    private readonly streams: MemoryStreams,
  ) {
    this.waiting = [...lines];
  }

  /** Lines that have not ended a replica: no record came that far. */
  get left(): readonly Interruption[] {
    return this.waiting;
  }

  /** Takes the line that ends the replica of a function now, at this moment of this record. */
  due(functionId: string, moment: Moment, origin: MessageOrigin): Interruption | undefined {
    if (!this.waiting.some((line) => line.function === functionId && line.moment === moment)) return undefined;
    const root = this.rootOf(origin);
    const at = this.waiting.findIndex((line) => {
      const isSame = line.root.stream === root?.stream && line.root.sequence === root.sequence;
      return isSame && line.function === functionId && line.moment === moment;
    });
    return at < 0 ? undefined : this.waiting.splice(at, 1)[0];
  }

  /** The record of the input that a message stems from; undefined for an aggregate, which stems from several. */
  private rootOf(origin: MessageOrigin): MessageOrigin | undefined {
    let root = origin;
    for (;;) {
      const id = this.streams.stream(root.stream).get(root.sequence)?.id;
      if (id === undefined) return undefined;
      if (id.startsWith(inputId(''))) return root;
      const source = originOfId(id);
      if (source === undefined) return undefined;
      root = source;
    }
  }
}

/** The id of a message that is a test's input. */
export function inputId(name: string): string {
  return `input|${name}`;
}

/** The record that an output with this id stems from: ids are `<writer>:<stream>:<sequence>:<index>`. */
export function originOfId(id: string): MessageOrigin | undefined {
  const [, stream, sequence, index] = id.split(':');
  if (stream === undefined || index === undefined || !/^\d+$/.test(sequence ?? '')) return undefined;
  return { stream, sequence: Number(sequence) };
}
