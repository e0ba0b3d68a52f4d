import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A record of these flows: its number, and the name of the code that passed it on. */
export interface Numbered {
  readonly n: number;
  readonly by: string;
}

export interface ProcessProps {
  readonly out: readonly string[];
  readonly parallelism?: number;
  readonly meta?: object;
  /** Statements of the function, in JavaScript, before it returns: of `event`, with `fs`, `sleep(ms)` and `isOpen(gate)`. */
  readonly work?: string;
  /** Statements that run when the code is loaded. */
  readonly load?: string;
  /** Name that the function writes into every record. */
  readonly by?: string;
}

const schema = {
  type: 'record',
  name: 'numbered',
  fields: [
    { name: 'n', type: 'long' },
    { name: 'by', type: 'string' },
  ],
};
const store = { addr: 'store:9000', user: 'user', password: 'password' };

interface SourceOptions {
  /** The number that each gate holds back, by the gate's name. */
  readonly gates?: { readonly [gate: string]: number };
  /** Records a second. */
  readonly rate?: number;
}

/**
 * Documents of a flow whose records are numbers, and a folder in which its code logs its calls and waits for the gates
 * that a test opens. A gate is a file.
 */
export class NumberFlow {
  /** `<namespace>/<jobId>` */
  readonly name: string;
  private readonly folder = mkdtempSync(path.join(tmpdir(), 'kflow-flow-'));

  constructor(
    readonly jobId: string,
    readonly mode: 'batch' | 'stream',
  ) {
    this.name = `life/${jobId}`;
  }

  document(...dag: readonly object[]): object {
    return { jobId: this.jobId, namespace: 'life', mode: this.mode, dag };
  }

  /** The bucket of a sink. */
  bucketOf(sink: string): string {
    return `${this.jobId}-${sink}`;
  }

  /** Outputs the numbers below `count`; waits before the number of a gate until the gate is open. */
  source(count: number, out: readonly string[], options: SourceOptions = {}) {
    const { gates = {}, rate } = options;
    const code = `
      ${this.prelude}
      const gates = new Map(${JSON.stringify(Object.entries(gates).map(([gate, n]) => [n, gate]))});
      async function* count() {
        fs.appendFileSync(${this.file('source.log')}, 'start\\n');
        for (let n = 0; n < ${count}; n++) {
          while (gates.has(n) && !isOpen(gates.get(n))) await sleep(20);
          yield { n, by: 'source' };
        }
      }`;
    const meta = { name: 'count', language: 'javascript', code, ...(rate === undefined ? {} : { rate }) };
    return { id: 'source', type: 'raw-source', schema, meta, out };
  }

  /**
   * Takes lists of numbers from a queue that all replicas and starts share, and outputs them: what is taken is never given
   * again. Logs each list as it is taken. The queue has lists until the gate `enough` is open.
   */
  lists({ length, rate, out }: { length: number; rate: number; out: readonly string[] }) {
    const code = `
      ${this.prelude}
      function take() {
        for (let list = 0; !isOpen('enough'); list++) {
          try {
            fs.closeSync(fs.openSync(${this.file('taken')} + '-' + list, 'wx'));
          } catch {
            continue;
          }
          fs.appendFileSync(${this.file('source.log')}, list + '\\n');
          return Array.from({ length: ${length} }, (_, index) => ({ n: list * ${length} + index, by: 'source' }));
        }
        return [];
      }`;
    const meta = { name: 'take', language: 'javascript', code, rate, update: true };
    return { id: 'source', type: 'raw-source', schema, meta, out };
  }

  /** Passes records on, and writes each number it was called with into its log. */
  process(id: string, { out, parallelism = 1, meta = {}, work = '', load = '', by = id, ...rest }: ProcessProps) {
    const code = `
      ${this.prelude}
      ${load}
      async function work(ctx, event) {
        fs.appendFileSync(${this.file(`${id}.log`)}, event.n + '\\n');
        ${work}
        return { n: event.n, by: ${JSON.stringify(by)} };
      }`;
    return {
      id,
      type: 'raw',
      parallelism,
      schema,
      meta: { name: 'work', language: 'javascript', code, ...meta },
      out,
      ...rest,
    };
  }

  sink(id = 'sink', more: object = {}) {
    return { id, type: 's3-sink', ...store, topics: `s3a://${this.bucketOf(id)}`, ...more };
  }

  open(gate: string): void {
    writeFileSync(path.join(this.folder, gate), '');
  }

  /** Every line that a function's code has logged, in order: numbers of records, and `start` of the source. */
  log(functionId: string): string[] {
    const file = path.join(this.folder, `${functionId}.log`);
    return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
  }

  /** Sorted numbers that a function was called with, one entry for each call. */
  called(functionId: string): number[] {
    return this.log(functionId)
      .map(Number)
      .sort((one, other) => one - other);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Declarations that all code here may use. */
  private get prelude(): string {
    return `
      const fs = require('node:fs');
      const isOpen = (gate) => fs.existsSync(${this.file('')} + '/' + gate);
      const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));`;
  }

  private file(name: string): string {
    return JSON.stringify(path.join(this.folder, name));
  }
}
