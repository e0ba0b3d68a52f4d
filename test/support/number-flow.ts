import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A record of these flows: its number, and what the code that passed it on says of itself. */
export interface Numbered {
  readonly n: number;
  readonly by: string;
}

export interface ProcessProps {
  readonly out: readonly string[];
  readonly parallelism?: number;
  readonly meta?: object;
  /** Statements of the function, in JavaScript, before it returns; `event` is the record, `fs` Node's module. */
  readonly work?: string;
  /** Statements that run when the code is loaded. */
  readonly load?: string;
  /** Said of every record. */
  readonly by?: string;
  readonly image?: string;
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

/**
 * Makes a flow whose records are numbers, with a folder in which its code leaves word of what it did, and finds the gates
 * that a test opens.
 */
export class NumberFlow {
  readonly name: string;
  /** Of its sinks: one each, by the sink's id. */
  readonly bucketOf = (sink: string) => `${this.jobId}-${sink}`;
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

  /** Gives the numbers below `gates.count`; each gate in the list waits for its name to be opened, at its number. */
  source(count: number, out: readonly string[], options: { readonly gates?: object; readonly rate?: number } = {}) {
    const { gates = {}, rate } = options;
    const code = `
      const fs = require('node:fs');
      const gates = ${JSON.stringify(gates)};
      async function* count() {
        fs.appendFileSync(${this.file('source.log')}, 'start\\n');
        for (let n = 0; n < ${count}; n++) {
          const gate = Object.keys(gates).find((name) => gates[name] === n);
          while (gate !== undefined && !fs.existsSync(${JSON.stringify(`${this.folder}/`)} + gate)) await new Promise((resolve) => setTimeout(resolve, 20));
          yield { n, by: 'source' };
        }
      }`;
    const meta = { name: 'count', language: 'javascript', code, ...(rate === undefined ? {} : { rate }) };
    return { id: 'source', type: 'raw-source', schema, meta, out };
  }

  /** Passes records on, and writes each number it was called with into its log. */
  process(id: string, { out, parallelism = 1, meta = {}, work = '', load = '', by = id, ...rest }: ProcessProps) {
    const code = `
      const fs = require('node:fs');
      const isOpen = (gate) => fs.existsSync(${JSON.stringify(`${this.folder}/`)} + gate);
      const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
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

  /** Every line that code of a function has left, in their order: numbers of records, and `start` of the source. */
  log(functionId: string): string[] {
    const file = path.join(this.folder, `${functionId}.log`);
    return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
  }

  clearLog(functionId: string): void {
    appendFileSync(path.join(this.folder, `${functionId}.log`), '');
    rmSync(path.join(this.folder, `${functionId}.log`));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private file(name: string): string {
    return JSON.stringify(path.join(this.folder, name));
  }
}
