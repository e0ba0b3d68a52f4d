/** A function of a topology, as `loadTopology` gives it. `out` is empty for a sink. */
export interface ProgramFunction {
  readonly id: string;
  readonly type: string;
  readonly out: readonly string[];
  /** For the sink of a program: the subject of the stream that it writes to. */
  readonly topics?: string;
  /** Avro schema, or its text if `JSON.parse` would round one of its longs. */
  readonly schema?: object | string;
  readonly meta: Readonly<Record<string, unknown>>;
}

/** The part of a flow that one program sees: its function, and the sink that writes to the function's stream. */
export interface ProgramTopology {
  readonly namespace: string;
  readonly jobId: string;
  readonly mode: 'batch' | 'stream';
  readonly dag: readonly ProgramFunction[];
}

/** A record, as functions return it. */
export type ProgramRecord = { readonly [field: string]: unknown };

/** What the host of a program does for it. */
export interface ProgramWriter {
  topology(): ProgramTopology;
  write(event: ProgramRecord): Promise<void>;
  close(): void;
}

let writer: ProgramWriter | undefined;

/** The host calls it before it runs the program. */
export function bindProgram(own: ProgramWriter): void {
  writer = own;
}

/** The topology of this program. Throws an Error outside of a raw-source. */
export function loadTopology(): ProgramTopology {
  return bound().topology();
}

/** The sink of a raw-source's program: writes records to the stream of the source. */
export class NatsSink {
  private constructor(
    private readonly own: ProgramWriter,
    private readonly topics: string,
  ) {}

  /** The sink of this program, a function of `loadTopology().dag`. Throws an Error for another function. */
  static async build({ id, topics }: ProgramFunction): Promise<NatsSink> {
    const own = bound();
    const sink = own.topology().dag.find(({ out }) => out.length === 0);
    if (topics === undefined || topics !== sink?.topics)
      throw new Error(`"${id}" is not the sink of this program; take the function of loadTopology().dag without out`);
    return new NatsSink(own, topics);
  }

  /**
   * Resolves when the record is stored, in the stream or, if it does not fit the schema, as a dead letter of the flow. Any
   * number of writes may wait at a time: that is faster than one after the other. Rejects for other topics than those of the
   * sink, and after `close`.
   */
  async write(topics: string, event: ProgramRecord): Promise<void> {
    if (topics !== this.topics) throw new Error(`topics: expected "${this.topics}", got "${topics}"`);
    await this.own.write(event);
  }

  /** The source has no more records: a batch ends. */
  async close(): Promise<void> {
    this.own.close();
  }
}

function bound(): ProgramWriter {
  if (writer === undefined)
    throw new Error(
      'this program runs as a raw-source: with kflow run and meta.module, or in an image of KFlow whose KFLOW_PROGRAM names it',
    );
  return writer;
}
