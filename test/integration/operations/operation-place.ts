import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Producer } from '../../../runtime/operations';
import { useLog } from '../../../runtime/operations/observe/task-log';
import { closeAfterFile } from '../../support/close-after-file';
import { venvPython } from '../../support/venv-python';
import { waitFor } from '../../support/wait-for';
import { JetStreamPlace } from '../jetstream/jetstream-place';

const root = path.join(__dirname, '../../..');

/** A result event. */
export interface Answer {
  /** When nats stored it. */
  readonly timeMs: number;
  readonly uuid: string;
  readonly entrypoint: string;
  readonly params: { readonly [name: string]: unknown };
  readonly metadata: { readonly [key: string]: unknown };
  readonly result: {
    readonly retcode: number;
    readonly stdout: string;
    readonly stderr: string;
    readonly retval: { readonly [key: string]: unknown };
  };
}

/** A nats-server with consumers as processes, in both languages. */
export class OperationPlace {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'kflow-operations-'));
  readonly producer: Producer;
  private readonly programs: Program[] = [];
  readonly close = closeAfterFile('consumers', async () => {
    for (const program of this.programs) program.kill('SIGKILL');
    await this.producer.close();
    rmSync(this.folder, { recursive: true, force: true });
  });

  private constructor(readonly place: JetStreamPlace) {
    useLog(() => undefined);
    this.producer = new Producer({ config: this.config('producer') });
  }

  static async start(): Promise<OperationPlace> {
    return new OperationPlace(await JetStreamPlace.start());
  }

  /** The settings of a consumer. */
  config(name: string, more: { readonly [variable: string]: string } = {}): { [variable: string]: string } {
    return {
      KFLOW_NATS_URL: this.place.url,
      KFLOW_LOCK_PATH: this.folder,
      KFLOW_CONSUMER_NAME: name,
      KFLOW_LOG_FORMAT: 'text',
      ...more,
    };
  }

  /** Starts a program, by its ending in Python or TypeScript; further words are its arguments. */
  start(name: string, command: readonly string[] | string, more?: { readonly [variable: string]: string }): Program {
    const [file = '', ...words] = typeof command === 'string' ? [command] : command;
    const isPython = file.endsWith('.py');
    const env = {
      ...process.env,
      ...this.config(name, more),
      PYTHONPATH: path.join(root, 'sdk/python'),
      PYTHONUNBUFFERED: '1',
    };
    const loader = isPython ? [] : ['-C', 'kflow-source', '-r', 'ts-node/register/transpile-only'];
    const child = spawn(isPython ? venvPython : process.execPath, [...loader, file, ...words], { cwd: root, env });
    const program = new Program(name, child);
    this.programs.push(program);
    return program;
  }

  /** Starts a consumer, and waits until it takes messages. */
  async consumer(name: string, file: string, more?: { readonly [variable: string]: string }): Promise<Program> {
    const program = this.start(name, file, more);
    await program.says('Consumer.Starting...');
    return program;
  }

  /** The results of a topic, in their order. */
  async answers(topic: string): Promise<Answer[]> {
    const stream = 'kflow_default__operations_results';
    const { manager } = this.place;
    const found: Answer[] = [];
    const { state } = await manager.streams.info(stream);
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const { subject, data, time } = await manager.streams.getMessage(stream, { seq });
      if (subject !== `kflow.default.operation.${topic}.result`) continue;
      found.push({ timeMs: time.getTime(), ...JSON.parse(Buffer.from(data).toString()) });
    }
    return found;
  }

  /** The result of a task or an operation, once it is there. */
  answer(topic: string, uuid: string): Promise<Answer> {
    return waitFor(`the result of ${uuid}`, async () =>
      (await this.answers(topic).catch(() => [])).find((each) => each.uuid === uuid),
    );
  }
}

/** A process, with what it has written. */
export class Program {
  output = '';
  private readonly closed: Promise<unknown[]>;

  constructor(
    readonly name: string,
    private readonly child: ChildProcess,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (data) => {
        this.output += data;
      });
    }
    this.closed = once(child, 'close');
  }

  async says(text: string): Promise<void> {
    await waitFor(`${this.name} says "${text}"`, () => {
      if (this.output.includes(text)) return true;
      throw new Error(this.output.slice(-2_000));
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** The exit status, once it has ended; null after a signal. */
  async ended(): Promise<number | null> {
    await this.closed;
    return this.child.exitCode;
  }
}
