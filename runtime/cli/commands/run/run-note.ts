import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { FlowPlan } from '../../../../lib/plan/flow-plan';
import { isAlive } from '../../../adapters/processes/earlier-processes';

const noteSchema = z.object({
  namespace: z.string(),
  /** Process of the run, and the nats that it uses. */
  pid: z.int(),
  nats: z.object({ url: z.string(), credentials: z.string().optional(), domain: z.string().optional() }),
  /** The embedded object store. */
  s3: z.object({ addr: z.string(), user: z.string(), password: z.string() }).optional(),
  /** The server is the run's own, and ends with it. */
  isEmbedded: z.boolean(),
  /** Of a run that is step by step, with the credentials of its store. */
  plan: z.custom<FlowPlan>().optional(),
});

/** What other commands know of a run in `.kflow/<jobId>`; the note is left when the run ends. */
export type RunNote = z.infer<typeof noteSchema>;

function fileOf(folder: string): string {
  return path.join(folder, 'run.json');
}

export function writeRunNote(folder: string, note: RunNote): void {
  writeFileSync(fileOf(folder), `${JSON.stringify(note)}\n`, { mode: 0o600 });
}

export function removeRunNote(folder: string): void {
  rmSync(fileOf(folder), { force: true });
}

/** The run of a folder, and whether it runs; undefined without one whose data is there. */
export function readRunNote(folder: string): (RunNote & { readonly isRunning: boolean }) | undefined {
  const file = fileOf(folder);
  if (!existsSync(file)) return undefined;
  const { data } = noteSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (data === undefined) return undefined;
  const lock = path.join(folder, 'lock');
  const isRunning = existsSync(lock) && Number(readFileSync(lock, 'utf8')) === data.pid && isAlive(data.pid);
  const hasData = isRunning || !data.isEmbedded || existsSync(path.join(folder, 'servers', 'nats'));
  return hasData ? { ...data, isRunning } : undefined;
}
