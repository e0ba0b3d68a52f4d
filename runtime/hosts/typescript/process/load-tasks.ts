import {
  type Context,
  type Logger,
  type TaskContext,
  type TaskFunction,
  TerminalError,
} from '../../../../lib/define/sdk';
import { jsonText } from '../../../../lib/json-text';
import { type CompiledTasks, type EntryFunction, type LoadedFunction, loadFunction } from './load';

/** What the worker sends for one task, beside its trace. */
interface TaskCall {
  readonly task: string;
  readonly input: unknown;
  readonly parameters: unknown;
  readonly about: Pick<TaskContext, 'execution' | 'flow' | 'step' | 'task' | 'attempt' | 'metadata'>;
}

/** The context that the host has for the record of a call. */
type RecordContext = Context & { readonly signal: AbortSignal };

/**
 * The functions of a task worker as the entry of a function: its records are calls of tasks, `{ json }`, and so are its outputs,
 * `{ json }` of `{ output }`. Throws an Error that names the task whose code cannot be loaded.
 */
export function loadTasks(tasks: CompiledTasks['tasks'], logger: Logger): LoadedFunction {
  const loaded = new Map(Object.entries(tasks).map(([name, code]) => [name, loadTask(name, code, logger)]));
  const entry = async (ctx: RecordContext, { json }: { readonly json: string }) => {
    const { task, input, parameters, about } = JSON.parse(json) as TaskCall;
    const output = await loaded.get(task)?.(contextOf(ctx, about), input, parameters);
    return { json: output === undefined ? '{}' : `{"output":${outputText(output)}}` };
  };
  return { entry: entry as EntryFunction };
}

/** The function of a task: the one that `entry` names, by default that with the name of the task, or the default export. */
function loadTask(name: string, code: CompiledTasks['tasks'][string], logger: Logger): TaskFunction {
  const entry = code.entry ?? name.replaceAll(/[^A-Za-z0-9_$]/g, '_');
  try {
    return loadFunction({ ...code, entry }, logger, () => false)?.entry as TaskFunction;
  } catch (error) {
    throw new Error(`task ${name}: ${(error as Error).message}`);
  }
}

/** Throws TerminalError for an output that is no JSON. */
function outputText(output: unknown): string {
  try {
    return jsonText('output', output);
  } catch (error) {
    throw new TerminalError((error as Error).message, { code: 'output-invalid' });
  }
}

function contextOf(ctx: RecordContext, about: TaskCall['about']): TaskContext {
  return {
    ...about,
    heartbeat: (progress) =>
      ctx.toSideStream('progress', {
        json: progress === undefined ? '{}' : `{"progress":${jsonText('progress', progress)}}`,
      }),
    signal: ctx.signal,
    get isCanceled() {
      return ctx.signal.aborted;
    },
    ...(ctx.traceParent === undefined ? {} : { traceParent: ctx.traceParent }),
    logger: ctx.logger,
  };
}
