import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { pythonProgram } from '../../runtime/hosts/python/host';
import { venvPython } from '../support/venv-python';
import type { Question } from './codec-pair';

const sdk = path.join(__dirname, '../../sdk/python');
/** A process of Python that compares the answers of its codecs with those of TypeScript. */
export class OtherCodecs {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;
  private errors = '';

  /** `only` is the codec of the SDK, without fastavro. */
  constructor(readonly hasFastavro = existsSync(venvPython)) {
    const { command, env } = pythonProgram(process.env);
    const args = ['-m', 'tests.avro_answers', ...(hasFastavro ? ['--fastavro'] : [])];
    this.child = spawn(hasFastavro ? venvPython : command, args, { cwd: sdk, env, stdio: 'pipe' });
    this.child.stderr?.on('data', (text) => {
      this.errors += String(text);
    });
    const reader: Interface = createInterface({ input: this.child.stdout as Readable });
    this.lines = reader[Symbol.asyncIterator]();
  }

  /** For each question, the differences that were found, in words. */
  async ask(questions: readonly Question[]): Promise<readonly (readonly string[])[]> {
    const input = this.child.stdin as Writable;
    for (const question of questions) input.write(`${JSON.stringify(question)}\n`);
    const found: (readonly string[])[] = [];
    while (found.length < questions.length) {
      const { value, done } = await this.lines.next();
      if (done) throw new Error(`the other codecs ended: ${this.errors}`);
      found.push(JSON.parse(value) as string[]);
    }
    return found;
  }

  async end(): Promise<void> {
    this.child.stdin?.end();
    if (this.child.exitCode === null) await new Promise((resolve) => this.child.once('exit', resolve));
  }
}
