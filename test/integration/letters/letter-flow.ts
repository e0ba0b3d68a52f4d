import { nanos } from 'nats';
import type { FlowPlan } from '../../../lib/plan/flow-plan';
import { JetStreamLetters } from '../../../runtime/adapters/jetstream/letters/jetstream-letters';
import type { LetterChange, RedriveSelection } from '../../../runtime/api-contract/letters';
import { LetterDesk } from '../../../runtime/controller/flows/letters/letter-desk';
import type { StoredLetter } from '../../../runtime/engine/letters/stored-letter';
import { waitFor } from '../../support/wait-for';
import { planOf } from '../../unit/plan/planned';
import type { JetStreamPlace } from '../jetstream/jetstream-place';
import { type CodeFolder, numbersIn, type ReplicaRun, sorted, startReplica } from '../replica/replica-run';

const schema = { type: 'record', name: 'numbered', fields: [{ name: 'n', type: 'long' }] };

type Language = 'javascript' | 'python';

/** Emits n, fails for odd numbers until the gate is open, then emits n + 100. */
function failingCode(language: Language, gate: string): string {
  return language === 'javascript'
    ? `const fs = require('node:fs');
function* run(context, event) {
  yield event;
  if (event.n % 2 === 1 && !fs.existsSync(${JSON.stringify(gate)})) throw new RangeError('odd ' + event.n);
  yield { n: event.n + 100 };
}`
    : `import os
def run(ctx, event):
    yield event
    if event["n"] % 2 == 1 and not os.path.exists(${JSON.stringify(gate)}):
        raise ValueError("odd %d" % event["n"])
    yield {"n": event["n"] + 100}`;
}

export interface LetterFlowProps {
  readonly jobId: string;
  readonly mode?: 'batch' | 'stream';
  readonly language?: Language;
  readonly count?: number;
  readonly maxDeliver?: number;
}

/** A flow whose function \`map\` gives up odd numbers until a gate is open. */
export class LetterFlow {
  readonly plan: FlowPlan;
  readonly flow: { readonly namespace: string; readonly jobId: string };
  readonly runs: { readonly [functionId: string]: ReplicaRun[] } = { source: [], map: [], leaf: [] };
  private readonly count: number;

  constructor(
    private readonly place: JetStreamPlace,
    private readonly folder: CodeFolder,
    { jobId, mode = 'stream', language = 'javascript', count = 6, maxDeliver = 1 }: LetterFlowProps,
  ) {
    this.flow = { namespace: 'default', jobId };
    this.count = count;
    const gate = folder.file(`${jobId}-open`);
    const script = (code: string) => ({ language: 'javascript', name: 'run', code });
    const numbers = `function* run() { for (let n = 0; n < ${count}; n++) yield { n }; }`;
    const dag = [
      { id: 'source', type: 'raw-source', schema, meta: script(numbers), out: ['map'] },
      {
        id: 'map',
        type: 'raw',
        schema,
        meta: { language, name: 'run', code: failingCode(language, gate), maxDeliver },
        out: ['leaf'],
      },
      { id: 'leaf', type: 'raw', schema, meta: script('function run() {}') },
    ];
    this.plan = planOf(JSON.stringify({ jobId, mode, dag }));
  }

  static async open(place: JetStreamPlace, folder: CodeFolder, props: LetterFlowProps): Promise<LetterFlow> {
    const flow = new LetterFlow(place, folder, props);
    await place.streams.provision(flow.plan);
    return flow;
  }

  start(functionId: string, replica = 0): ReplicaRun {
    const run = startReplica(this.place, this.plan, functionId, { replica });
    this.runs[functionId]?.push(run);
    return run;
  }

  /** Lets `map` succeed from now on. */
  repair(): void {
    this.folder.open(`${this.flow.jobId}-open`);
  }

  async desk(): Promise<LetterDesk> {
    return new LetterDesk(await JetStreamLetters.open(this.place.connection));
  }

  async redrive(selection: Partial<RedriveSelection> = { all: true }): Promise<LetterChange> {
    return (await this.desk()).redrive(this.flow, { dryRun: false, ...selection }, { by: 'eva', comment: 'repaired' });
  }

  async letters(): Promise<readonly StoredLetter[]> {
    const found: StoredLetter[] = [];
    const letters = await JetStreamLetters.open(this.place.connection);
    for await (const letter of letters.read(this.flow, { place: 'dead', withRecords: true })) found.push(letter);
    return found;
  }

  /** The odd numbers are letters, and no others; everything else is processed. */
  async untilGivenUp(): Promise<void> {
    const odd = Math.floor(this.count / 2);
    await waitFor('the letters', async () => (await this.letters()).length === odd);
    await waitFor('all is acked', async () => (await this.place.ackFloor(this.stream('source'), 'map')) === this.count);
  }

  async untilRedriven(): Promise<void> {
    await waitFor('the redrives are done', async () => {
      const redrives = await (await this.desk()).redrives(this.flow);
      return redrives.length > 0 && redrives.every(({ state }) => state !== 'running');
    });
  }

  /** Makes the server forget the ids of stored outputs at once. */
  async forgetIds(): Promise<void> {
    const { manager } = this.place;
    await manager.streams.update(this.stream('map'), { duplicate_window: nanos(100) });
  }

  /** The numbers in the output of `map`, sorted: exactly once each is `everything()`. */
  async outputs(): Promise<number[]> {
    return sorted(await numbersIn(this.place, this.stream('map')));
  }

  everything(): number[] {
    return sorted(Array.from({ length: this.count }, (_, n) => [n, n + 100]).flat());
  }

  stream(functionId: string): string {
    return `kflow_default_${this.flow.jobId}_${functionId}`;
  }

  async stop(): Promise<void> {
    await Promise.all(
      Object.values(this.runs)
        .flat()
        .map((run) => run.stop().catch(() => undefined)),
    );
  }
}
