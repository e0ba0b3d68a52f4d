import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigError, FunctionError, isTransient, KFlowError, StoreError } from '../../lib/errors';
import { type FunctionSpec, functionSpecSchema } from '../../lib/plan/function-spec';
import { ExitCode, timing } from '../../lib/plan/replica-lifecycle';
import { defaultLanguage, languageOfFile } from '../../lib/topology/document/language';
import { unpackOddVariables } from '../adapters/processes/odd-variables';
import { cutText } from '../engine/failures';
import { createLog, type Log, type LogOrigin } from '../log';
import { type ReplicaEnvironment, readEnvironment } from './environment';
import { writeTermination } from './incomplete-end';
import { type ReplicaEnd, runReplica } from './replica';
import { replicaName } from './replica-context';

/** Longest text of the error that ends a replica, in characters. */
const maxErrorLength = 16_000;

/** Whether `main` has returned. */
let hasEnded = false;

async function main(): Promise<number> {
  unpackOddVariables(process.env);
  let log = createLog(process.env);
  const stop = new AbortController();
  // an exit that nobody asked for: a replica is done only when `main` says so
  process.on('exit', () => {
    if (!hasEnded) process.exitCode = ExitCode.Failed;
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort());
  try {
    const environment = readEnvironment(process.env);
    const spec = withProgram(readSpec(environment.specFile), process.env.KFLOW_PROGRAM);
    log = createLog(process.env, originOf(spec, environment));
    logEverything(log);
    exitInTime(stop.signal, environment.shutdownMs, () => {
      log('WARNING', 'the replica did not end in time; what it has not acked is redelivered');
      hasEnded = true;
      process.exit(exitCodeOf({ mode: spec.mode, end: { is: 'stopped' } }));
    });
    const end = await runReplica(spec, environment, log, stop.signal);
    if (end.is === 'incomplete') {
      log('ERROR', end.reason);
      writeTermination(end.reason);
    }
    return exitCodeOf({ mode: spec.mode, end });
  } catch (error) {
    log('CRITICAL', cutText(messageOf(error), maxErrorLength));
    return exitCodeOf({ error });
  }
}

/** Makes lines of the log of what Node would write to stderr as text. */
function logEverything(log: Log): void {
  process.removeAllListeners('warning');
  process.on('warning', (warning) => log('WARNING', String(warning)));
  process.on('uncaughtException', (error) => {
    log('CRITICAL', cutText(String(error.stack ?? error), maxErrorLength));
    process.exit(ExitCode.Failed);
  });
}

function originOf(spec: FunctionSpec, environment: ReplicaEnvironment): LogOrigin {
  const { namespace, jobId, function: functionId } = spec;
  return { flow: `${namespace}/${jobId}`, function: functionId, replica: replicaName({ spec, environment }) };
}

/** Calls `exit` before the time of a stopped replica is over, so that it is not killed: a server may not answer, or code may not end. */
function exitInTime(stop: AbortSignal, shutdownMs: number, exit: () => void): void {
  const inMs = timing.exitSeconds(shutdownMs / 1_000) * 1_000;
  const start = () => setTimeout(exit, inMs).unref();
  if (stop.aborted) start();
  else stop.addEventListener('abort', start, { once: true });
}

/** Errors of the configuration and of user code say where they come from; any other needs its stack. */
function messageOf(error: unknown): string {
  if (error instanceof ConfigError || error instanceof FunctionError) return error.message;
  // a store says in its message which call failed, and why; a host, how its process ended
  if (error instanceof StoreError || isHostFailure(error)) return error.message;
  return String((error as Error).stack ?? error);
}

function isHostFailure(error: unknown): error is KFlowError {
  return error instanceof KFlowError && (error.code === 'host-exited' || error.code === 'host-failed');
}

/** The exit code of a replica that has ended, or that failed with `error`. */
export function exitCodeOf(
  of: { readonly error: unknown } | (Pick<FunctionSpec, 'mode'> & { readonly end: ReplicaEnd }),
): number {
  if ('error' in of) return isMisconfigured(of.error) ? ExitCode.Misconfigured : ExitCode.Failed;
  switch (of.end.is) {
    case 'done':
      return ExitCode.Done;
    case 'incomplete':
      return ExitCode.Incomplete;
    case 'stopped':
      return of.mode === 'batch' ? ExitCode.Stopped : ExitCode.Done;
    case 'outdated':
      return ExitCode.Stopped;
  }
}

/** A restart may mend a refused login: the next pod has the newest content of its Secrets. */
function isMisconfigured(error: unknown): boolean {
  return error instanceof ConfigError && !isTransient(error);
}

function readSpec(file: string): FunctionSpec {
  const parsed = functionSpecSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (parsed.success) return withCode(parsed.data, file);
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new ConfigError('config-invalid', `${file}: not a function spec of this version: ${faults.join('; ')}`);
}

/** The spec with the program of an image that brings the function's code: Python starts this process, or a variable names it. */
function withProgram(spec: FunctionSpec, program: string | undefined): FunctionSpec {
  const hasCode = spec.code !== undefined || spec.module !== undefined;
  if (program === undefined || hasCode) return spec;
  return { ...spec, language: languageOfFile(program) ?? defaultLanguage, module: program };
}

/** The spec with the code that `codeFile` names, a file beside the spec. */
function withCode(spec: FunctionSpec, file: string): FunctionSpec {
  if (spec.codeFile === undefined) return spec;
  return { ...spec, code: readFileSync(path.join(path.dirname(file), spec.codeFile), 'utf8') };
}

if (require.main === module) {
  void main().then((code) => {
    hasEnded = true;
    process.exit(code);
  });
}
