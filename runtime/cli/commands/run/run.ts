import { readFileSync } from 'node:fs';
import path from 'node:path';
import { assertRunnable } from '../../../../lib/plan/assert-runnable';
import type { Topology } from '../../../../lib/topology/document/topology';
import { formatProblem } from '../../../../lib/topology/problem/problem';
import { loadTopology } from '../../load-topology';
import { assertReadable, type DirectoryMap, makeWritable, parseDirectoryMaps } from './directory-map';
import type { FunctionCounts } from './flow-progress';
import { Interrupts } from './interrupts';
import { LocalFlow } from './local-flow';
import { ProgressView } from './progress-view';
import { RunDirectory } from './run-directory';
import { renderSummary } from './summary';
import { type RunEnd, watchFlow } from './watch-flow';

export interface RunOptions {
  readonly set: readonly string[];
  readonly bucket: readonly string[];
  readonly save: readonly string[];
  readonly keep?: true;
  /** Seconds. */
  readonly timeout?: number;
  readonly embedded: boolean;
}

/** `kflow run`: a flow in the foreground. Exit status 0 when every function did its work. */
export async function run(file: string, options: RunOptions): Promise<number> {
  const { topology, problems, baseDir } = loadTopology(file, options.set);
  for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`);
  if (topology === undefined) return 1;
  assertRunnable(topology);
  const fill = parseDirectoryMaps('--bucket', options.bucket);
  const save = parseDirectoryMaps('--save', options.save);
  fill.forEach(assertReadable);
  save.forEach(makeWritable);
  const directory = RunDirectory.lock(path.resolve('.kflow', topology.jobId), options.keep === true);
  const view = await ProgressView.open(process.stderr);
  const interrupts = new Interrupts();
  const say = (line: string) => view.say(line);
  const flow = new LocalFlow(topology, { directory, baseDir, isEmbedded: options.embedded, say });
  let isKept = options.keep === true;
  try {
    await flow.prepare(fill, save);
    say(`logs          ${path.relative('', directory.logs)}/<function>-<replica>.log`);
    if (topology.mode === 'stream') {
      say('mode stream: it runs until Ctrl-C or --timeout; --set mode=batch ends when all is processed');
    }
    await flow.start((status) => {
      if (status.phase === 'backing-off')
        say(`${status.function}-${status.replica} ended (${status.lastExit}); it is started again`);
    });
    const timeoutMs = options.timeout === undefined ? {} : { timeoutMs: options.timeout * 1_000 };
    const end = await watchFlow(flow, topology, { view, interrupts, ...timeoutMs });
    isKept ||= end === 'failed';
    const functions = await flow.progress();
    view.end(functions);
    process.stdout.write(renderSummary(functions));
    await saveBuckets(flow, save, say).catch((error) => {
      isKept = true;
      throw error;
    });
    if (!isKept && options.embedded) await sayWhatGoes(flow, save, say);
    return conclude(end, topology, functions, flow, say);
  } finally {
    view.end();
    await flow.close(isKept);
    if (isKept && options.keep !== true) {
      say(`streams and buckets are kept: the same command with --keep goes on from there, without it starts anew`);
    }
    directory.release();
    interrupts.close();
  }
}

async function saveBuckets(flow: LocalFlow, save: readonly DirectoryMap[], say: (line: string) => void): Promise<void> {
  for (const { bucket, directory } of save) {
    const objects = await flow.save(bucket, directory);
    say(`bucket ${bucket}: ${objects} objects saved to ${directory}`);
  }
}

/** Names the results that are removed with the run. */
async function sayWhatGoes(flow: LocalFlow, save: readonly DirectoryMap[], say: (line: string) => void): Promise<void> {
  const saved = new Set(save.map((map) => map.bucket));
  for (const { bucket, objects } of await flow.results()) {
    if (objects === 0 || saved.has(bucket)) continue;
    say(
      `bucket ${bucket}: its ${objects} objects go with this run; --save ${bucket}=DIR copies them out, --keep keeps them`,
    );
  }
}

/** Says how the run ended, and gives the exit status. */
function conclude(
  end: RunEnd,
  topology: Topology,
  functions: readonly FunctionCounts[],
  flow: LocalFlow,
  say: (line: string) => void,
): number {
  for (const replica of flow.failures()) {
    const after = replica.restarts > 0 ? ` after ${replica.restarts} restarts` : '';
    const log = path.relative('', replica.logFile);
    say(`${replica.function}-${replica.replica} failed (${replica.lastExit})${after}; the end of ${log}:`);
    say(readFileSync(replica.logFile, 'utf8').trimEnd().split('\n').slice(-8).join('\n'));
  }
  const givenUp = functions.filter((fn) => fn.dead > 0);
  for (const fn of givenUp) {
    const reason = fn.lastFailure === undefined ? '' : `; the last reason: ${fn.lastFailure}`;
    say(`${fn.function} gave up on ${fn.dead} records, which are in the flow's dead letters${reason}`);
  }
  if (end === 'timeout' && topology.mode === 'batch') say('the time was up before the flow had completed');
  if (end === 'interrupted' && topology.mode === 'batch') say('interrupted before the flow had completed');
  const isUnfinished = topology.mode === 'batch' && end !== 'completed';
  return end === 'failed' || isUnfinished || givenUp.length > 0 ? 1 : 0;
}
