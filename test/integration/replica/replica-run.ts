import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FlowPlan } from '../../../lib/plan/flow-plan';
import { AvroSchemaCodec } from '../../../runtime/engine/avro-message';
import { readEnvironment } from '../../../runtime/replica/environment';
import { type ReplicaEnd, runReplica } from '../../../runtime/replica/replica';
import { numbered } from '../../support/host-run';
import { waitFor } from '../../support/wait-for';
import { specOf } from '../../unit/plan/planned';
import type { JetStreamPlace } from '../jetstream/jetstream-place';

export interface ReplicaRun {
  readonly ended: Promise<ReplicaEnd>;
  readonly logs: string[];
  /** Ends the replica as SIGTERM does. */
  stop(): Promise<ReplicaEnd>;
}

/** Runs one replica in this process. */
export function startReplica(
  place: Pick<JetStreamPlace, 'url'>,
  plan: FlowPlan,
  functionId: string,
  { replica = 0, env = {} }: { replica?: number; env?: NodeJS.ProcessEnv } = {},
): ReplicaRun {
  const stopping = new AbortController();
  const logs: string[] = [];
  const environment = readEnvironment({
    KFLOW_SPEC: 'spec.json',
    KFLOW_NATS_URL: place.url,
    KFLOW_REPLICA: String(replica),
    PATH: process.env.PATH,
    ...env,
  });
  const log = (level: string, text: string) => logs.push(`${level} ${text}`);
  const ended = runReplica(specOf(plan, functionId), environment, log, stopping.signal);
  ended.catch(() => undefined); // the test awaits it later
  const stop = () => {
    stopping.abort();
    return ended;
  };
  return { ended, logs, stop };
}

const codec = new AvroSchemaCodec(numbered);

/** The numbers in a stream of records `{ n }`, in order. */
export async function numbersIn(place: JetStreamPlace, stream: string): Promise<number[]> {
  const payloads = await place.payloads(stream);
  return payloads.map((payload) => (codec.decode(payload) as { n: number }).n);
}

export const sorted = (numbers: readonly number[]) => [...numbers].sort((one, other) => one - other);

/** A folder in which code of a test takes numbers from a queue, and waits for gates. Everything is a file. */
export class CodeFolder {
  private readonly folder = mkdtempSync(path.join(tmpdir(), 'kflow-code-'));

  file(name: string): string {
    return path.join(this.folder, name);
  }

  open(gate: string): void {
    writeFileSync(this.file(gate), '');
  }

  /** Resolves when the code has made this file. */
  async made(name: string): Promise<void> {
    await waitFor(`the code has made ${name}`, () => existsSync(this.file(name)));
  }

  /** The numbers in a file, one a line. */
  numbers(name: string): number[] {
    const file = this.file(name);
    return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').map(Number) : [];
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
