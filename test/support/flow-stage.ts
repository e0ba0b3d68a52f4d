import path from 'node:path';
import { writeStack } from '../../runtime/cli/local-stack/find-stack';
import { holdPresence, type Presence } from '../../runtime/cli/local-stack/presence';
import { StackDirectory } from '../../runtime/cli/local-stack/stack-directory';
import type { Access } from '../../runtime/controller/api/access/access';
import { type RunningApi, startApi } from '../../runtime/controller/api/api-server';
import { closeAfterFile } from './close-after-file';
import { type KflowCommand, Workplace } from './kflow-cli';
import { MemoryFlows } from './memory-flows';

/** The topology of most tests here. */
export const wordsYaml = `# words, one by one
jobId: words
dag:
  - id: list # the source
    type: fs-source
    format: list
    addr: localhost:9000
    topics: s3a://texts
    user: minio
    password: minio123
    out: [split]
  - id: split
    type: raw
    parallelism: 2
    meta:
      update: true
      name: process
      code: |
        def process(ctx, event):
            return event
    out: [store]
  - id: store
    type: s3-sink
    addr: localhost:9000
    topics: s3a://words
`;

/** Addresses of a stack that these commands never use. */
const noServers = {
  version: 1,
  nats: 'nats://127.0.0.1:1',
  temporal: '127.0.0.1:1',
  s3: { endpoint: 'http://127.0.0.1:1', user: '', password: '' },
  socket: '/nowhere',
} as const;

/** The real API over flows in memory, found by the CLI as the stack of a folder. */
export class FlowStage {
  readonly close = closeAfterFile('an API over flows in memory', async () => {
    await this.api?.close();
    await this.presence?.close();
    this.place.remove();
  });
  readonly flows = new MemoryFlows({ isManual: true });
  readonly place = new Workplace();
  private api: RunningApi | undefined;
  private presence: Presence | undefined;

  /** Without access control, every client is an admin. */
  constructor(private readonly access: () => Promise<Access> = async () => ({ kind: 'open' })) {}

  async open(): Promise<this> {
    await this.listen(0);
    const directory = new StackDirectory(path.join(this.place.folder, '.kflow'));
    this.presence = await holdPresence(directory);
    writeStack(directory, { ...noServers, pid: process.pid, url: this.url });
    this.place.write('words.yaml', wordsYaml);
    return this;
  }

  get url(): string {
    return this.api?.url ?? '';
  }

  kflow(...args: string[]): KflowCommand {
    return this.place.kflow(...args);
  }

  ran(...args: string[]) {
    return this.place.ran(...args);
  }

  /** Submits the flow of `words.yaml` without a command. */
  async submitted({ namespace = 'default', jobId = 'words' } = {}): Promise<void> {
    const text = wordsYaml.replace('jobId: words', `jobId: ${jobId}`);
    await this.flows.submit({ namespace, jobId }, text, { by: 'eva', comment: 'first' });
  }

  /** Stops the API and starts it again on the same port after `whileAway`. */
  async restart(whileAway: () => Promise<unknown>): Promise<void> {
    const port = this.api?.port ?? 0;
    await this.api?.close();
    await whileAway();
    await this.listen(port);
  }

  private async listen(port: number): Promise<void> {
    const props = { service: this.flows, access: await this.access(), log: () => undefined };
    this.api = await startApi({ ...props, host: '127.0.0.1', port });
  }
}
