import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { waitFor } from './wait-for';

const root = path.join(__dirname, '../..');
const program = path.join(root, 'dist/js/runtime/cli/main.js');

/** A folder of its own in which the built `kflow` command runs. */
export class Workplace {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'kflow-test-'));
  private readonly commands: KflowCommand[] = [];

  write(name: string, text: string): string {
    const file = path.join(this.folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  /** Parsed JSON objects of a saved bucket, in the order of their keys; with a writer, only those of that function. */
  records<T>(directory: string, writer?: string): T[] {
    const folder = path.join(this.folder, directory);
    if (!existsSync(folder)) return [];
    const isWanted = (file: string) => writer === undefined || /^(.*)-\d{8}T\d+Z-\d+\.json$/.exec(file)?.[1] === writer;
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.json') && isWanted(file),
    );
    return files.sort().map((file) => JSON.parse(readFileSync(path.join(folder, file), 'utf8')));
  }

  read(name: string): string {
    return readFileSync(path.join(this.folder, name), 'utf8');
  }

  /** Runs `kflow` to its end. */
  async ran(...args: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
    const command = this.kflow(...args);
    const status = await command.exited;
    return { status, stdout: command.stdout, stderr: command.stderr };
  }

  kflow(...args: string[]): KflowCommand {
    const command = new KflowCommand(
      spawn(process.execPath, [program, ...args], { cwd: this.folder, env: { ...process.env } }),
    );
    this.commands.push(command);
    return command;
  }

  /** Ends what a failed test has left running, so that it does not disturb the next one in the same folder. */
  remove(): void {
    for (const command of this.commands.splice(0)) command.process.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A running `kflow` command. */
export class KflowCommand {
  stdout = '';
  stderr = '';
  readonly exited: Promise<number | null>;

  constructor(readonly process: ChildProcess) {
    process.stdout?.on('data', (chunk) => {
      this.stdout += chunk;
    });
    process.stderr?.on('data', (chunk) => {
      this.stderr += chunk;
    });
    this.exited = new Promise((resolve) => process.on('close', resolve));
  }

  /** The first group of the pattern, once the command has printed it on stderr, or once `text` contains it. */
  async waitFor(pattern: RegExp, text: () => string = () => this.stderr): Promise<string> {
    const found = await waitFor(
      `${pattern} in the output of kflow`,
      () => ({
        match: pattern.exec(text()),
        exitCode: this.process.exitCode,
        stderr: this.stderr,
        stdout: this.stdout,
      }),
      ({ match, exitCode }) => match !== null || exitCode !== null,
    );
    const { match, stderr, stdout } = found;
    if (match === null) throw new Error(`kflow ended before it printed ${pattern}:\n${stderr}\n${stdout}`);
    return match[1] ?? match[0];
  }
}
