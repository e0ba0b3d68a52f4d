import { readFileSync } from 'node:fs';
import path from 'node:path';
import { KFlowError } from '../../../../lib/errors';
import { assertRunnable } from '../../../../lib/plan/plan-flow';
import type { Topology } from '../../../../lib/topology/document/topology';
import { formatProblem } from '../../../../lib/topology/problem/problem';
import { lostOf } from '../../../engine/drift/drift';
import { createLog } from '../../../log';
import { loadTopology } from '../../documents/load-topology';
import { ExitStatus, exitStatusOf, usageError } from '../../frame/exit-status';
import type { Interrupts } from '../../frame/interrupts';
import { counted } from '../../render/measures';
import type { FunctionCounts } from './flow-progress';
import { assertReadable, type DirectoryMap, makeWritable } from './local-buckets';
import { LocalFlow } from './local-flow';
import { countsOf, ProgressView, type RunLog, renderSummary } from './progress-view';
import { RunDirectory } from './run-directory';
import { saveLetters } from './save-letters';
import { type RunEnd, statusOfRun, watchRun } from './watch-run';

export interface RunOptions {
  readonly file: string;
  readonly set: readonly string[];
  readonly bucket: readonly (readonly [string, string])[];
  readonly save: readonly (readonly [string, string])[];
  readonly record: readonly (readonly [string, string])[];
  readonly keep: boolean;
  readonly dev: boolean;
  /** In milliseconds. */
  readonly timeout: number | undefined;
  readonly embedded: boolean;
  readonly natsCredentials: string | undefined;
}

/**
 * Runs a flow in the foreground. `Done` when every function succeeded without dead letters. With KFLOW_LOG_FORMAT=json, every
 * line on stderr and stdout is JSON, as those of the replicas are.
 */
export async function runTopology(options: RunOptions, openInterrupts: () => Interrupts): Promise<ExitStatus> {
  if (process.env.KFLOW_LOG_FORMAT !== 'json') return run(options, openInterrupts);
  try {
    return await run(options, openInterrupts, (flow) => ({
      log: createLog({}, { flow }, process.stderr),
      results: createLog({}, { flow }),
    }));
  } catch (error) {
    const text = error instanceof KFlowError ? error.message : String((error as Error).stack);
    createLog({}, {}, process.stderr)('CRITICAL', text);
    return exitStatusOf(error);
  }
}

/** Lines for stderr, and for stdout. */
interface RunLogs {
  readonly log: RunLog;
  readonly results: RunLog;
}

async function run(
  options: RunOptions,
  openInterrupts: () => Interrupts,
  openLogs?: (flow: string | undefined) => RunLogs,
): Promise<ExitStatus> {
  const sets = options.dev ? [...options.set, 'globalConfig.devStore.enabled=true'] : options.set;
  const { topology, problems, baseDir } = loadTopology(options.file, sets);
  const logs = openLogs?.(topology && `${topology.namespace}/${topology.jobId}`);
  for (const problem of problems) {
    const text = formatProblem(problem);
    if (logs === undefined) process.stderr.write(`${text}\n`);
    else logs.log(problem.severity === 'warning' ? 'WARNING' : 'ERROR', text);
  }
  if (topology === undefined) return ExitStatus.Failed;
  if (options.embedded && options.natsCredentials !== undefined) {
    throw usageError('--nats-credentials requires --no-embedded');
  }
  assertRunnable(topology);
  const fill = options.bucket.map(directoryMap);
  const save = options.save.map(directoryMap);
  fill.forEach(assertReadable);
  save.forEach(makeWritable);
  const directory = RunDirectory.lock(path.resolve('.kflow', topology.jobId), options.keep);
  const view = await ProgressView.open(process.stderr, logs?.log);
  const interrupts = openInterrupts();
  const say = (line: string) => view.say(line);
  const { embedded: isEmbedded, natsCredentials, timeout: timeoutMs } = options;
  const flow = new LocalFlow(topology, { directory, baseDir, isEmbedded, natsCredentials, timeoutMs, say });
  let isKept = options.keep;
  try {
    await flow.prepare({ fill, save, record: options.record.map(([edge, file]) => ({ edge, file })) });
    say(`logs          ${path.relative('', directory.logs)}/<function>-<replica>.log`);
    const { steps } = flow;
    if (topology.mode === 'stream' && steps === undefined) {
      say(
        'mode stream: runs until Ctrl-C or --timeout; with --set mode=batch the run ends when all input is processed',
      );
    }
    await flow.start((status) => {
      if (status.phase === 'backing-off')
        say(`${status.function}-${status.replica} ended (${status.message ?? status.lastExit}); restarting it`);
    });
    // no stream has counts
    const shown = steps === undefined ? view : { say, show: () => undefined };
    steps?.follow(say);
    const end = await watchRun(flow, topology, { view: shown, interrupts, timeoutMs });
    if (end === 'unavailable') {
      isKept = true;
      say('NATS does not respond: it is unknown how far the flow is');
      return ExitStatus.Unavailable;
    }
    const keep = (error: unknown): never => {
      isKept = true;
      throw error;
    };
    for (const { edge, file, records } of await flow.endRecording().catch(keep))
      say(`edge ${edge}: recorded ${counted(records, 'record')} in ${file}`);
    const functions = await flow.progress();
    isKept ||= end === 'failed' || functions.some(({ dead, drifts }) => dead > 0 || lostOf(drifts) > 0);
    view.end(steps === undefined ? functions : []);
    if (logs !== undefined) for (const fn of functions) logs.results('INFO', 'summary', countsOf(fn));
    else if (steps === undefined) process.stdout.write(renderSummary(functions));
    await saveBuckets(flow, save, say).catch(keep);
    if (!isKept && options.embedded) await sayWhatIsRemoved(flow, save, say);
    await saveLetters(directory.letters, flow.letters());
    return conclude({ end, topology, functions, flow, say, letters: path.relative('', directory.letters) });
  } finally {
    view.end();
    await flow.close(isKept);
    if (isKept && !options.keep) {
      say(
        'streams and buckets are kept; run again with --keep to continue from there, or without --keep to start over',
      );
    }
    directory.release();
  }
}

function directoryMap([bucket, directory]: readonly [string, string]): DirectoryMap {
  return { bucket, directory };
}

async function saveBuckets(flow: LocalFlow, save: readonly DirectoryMap[], say: (line: string) => void): Promise<void> {
  for (const map of save) {
    const objects = await flow.save(map);
    say(`bucket ${map.bucket}: saved ${counted(objects, 'object')} to ${map.directory}`);
  }
}

/** Reports the results that are removed with the run. */
async function sayWhatIsRemoved(
  flow: LocalFlow,
  save: readonly DirectoryMap[],
  say: (line: string) => void,
): Promise<void> {
  const saved = new Set(save.map((map) => map.bucket));
  for (const { bucket, objects } of await flow.results()) {
    if (objects === 0 || saved.has(bucket)) continue;
    say(
      `bucket ${bucket}: ${counted(objects, 'object')} removed with this run; copy them with --save ${bucket}=DIR, or use --keep`,
    );
  }
  for (const { index, documents } of await flow.indices()) {
    if (documents > 0) say(`index ${index}: ${counted(documents, 'document')} removed with this run; use --keep`);
  }
}

interface RunResult {
  readonly end: RunEnd;
  readonly topology: Topology;
  readonly functions: readonly FunctionCounts[];
  readonly flow: LocalFlow;
  readonly say: (line: string) => void;
  /** The file of the dead letters. */
  readonly letters: string;
}

/** Reports how the run ended. */
function conclude({ end, topology, functions, flow, say, letters }: RunResult): ExitStatus {
  for (const replica of flow.failures()) {
    const after = replica.restarts > 0 ? ` after ${counted(replica.restarts, 'restart')}` : '';
    const log = path.relative('', replica.logFile);
    say(`${replica.function}-${replica.replica} failed (${replica.lastExit})${after}; the end of ${log}:`);
    say(readFileSync(replica.logFile, 'utf8').trimEnd().split('\n').slice(-8).join('\n'));
  }
  const withDeadLetters = functions.filter((fn) => fn.dead > 0);
  for (const fn of withDeadLetters) {
    const reason = fn.lastFailure === undefined ? '' : `; last error: ${fn.lastFailure}`;
    say(`${fn.function}: ${counted(fn.dead, 'record')} sent to the dead letters${reason}`);
  }
  for (const fn of functions) for (const { message } of fn.drifts) say(`${fn.function}: ${message}`);
  if (withDeadLetters.length > 0) {
    const total = withDeadLetters.reduce((sum, { dead }) => sum + dead, 0);
    const places = withDeadLetters.map((fn) => `${fn.function} (${fn.dead})`).join(', ');
    say(`incomplete: ${counted(total, 'record')} sent to the dead letters of ${places}; each is a line of ${letters}`);
    say(`list them with kflow dlq ${topology.jobId}, and process them again with its redrive`);
  }
  if (end === 'completed') {
    for (const { function: id, message } of flow.emptySources(functions))
      say(`${id}: ${message}; 0 records in this run`);
  }
  if (end === 'timeout' && topology.mode === 'batch') say('timed out before the flow completed');
  if (end === 'interrupted' && topology.mode === 'batch') say('interrupted before the flow completed');
  return statusOfRun(end, topology.mode, functions);
}
