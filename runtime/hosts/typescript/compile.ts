import path from 'node:path';
import { type Message, transformSync } from 'esbuild';
import { ConfigError } from '../../../lib/errors';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import type { HostOptions } from '../host-factory';
import { bundleModule } from './bundle-module';
import type { CompiledCode, CompiledTasks } from './process/load';

type Compiled = CompiledCode | CompiledTasks;

/** A function is compiled once, although its host may be opened again and again. */
const compiled = new WeakMap<FunctionSpec, Compiled>();

/** Compiles a function's inline code or module, or those of its tasks. Throws ConfigError with the position in the user's code. */
export function compileFunction({ spec, baseDir }: Pick<HostOptions, 'spec' | 'baseDir'>): Compiled {
  const known = compiled.get(spec);
  if (known !== undefined) return known;
  const code = spec.tasks === undefined ? compile(spec, spec.function, baseDir) : compileTasks(spec.tasks, baseDir);
  compiled.set(spec, code);
  return code;
}

function compileTasks(tasks: NonNullable<FunctionSpec['tasks']>, baseDir: string): CompiledTasks {
  const each = Object.entries(tasks).map(([name, task]) => {
    const entry = task.entry === undefined ? {} : { entry: task.entry };
    return [name, { ...compile(task, name, baseDir), ...entry }] as const;
  });
  return { tasks: Object.fromEntries(each) };
}

type Written = Pick<FunctionSpec, 'language' | 'code' | 'module'>;

function compile(written: Written, name: string, baseDir: string): CompiledCode {
  try {
    return written.module === undefined
      ? compileInline(written, name, baseDir)
      : compileModule(written.module, baseDir);
  } catch (cause) {
    const messages = (cause as { errors?: Message[] }).errors?.map(formatMessage) ?? [String(cause)];
    const message = `${name}: the code does not compile: ${messages.join('; ')}`;
    throw new ConfigError('config-invalid', message, { cause });
  }
}

function compileModule(module: string, baseDir: string): CompiledCode {
  const file = path.resolve(baseDir, module);
  return { file, code: bundleModule(file) };
}

function compileInline({ language, code: text }: Written, name: string, baseDir: string): CompiledCode {
  const extension = language === 'typescript' ? 'ts' : 'js';
  const file = path.join(baseDir, `${name}.${extension}`);
  const { code } = transformSync(text ?? '', {
    loader: extension,
    format: 'cjs',
    target: 'node20',
    sourcemap: 'inline',
    sourcefile: file,
  });
  return { file, code };
}

function formatMessage(message: Message): string {
  const place =
    message.location === null ? '' : ` (line ${message.location.line}: ${message.location.lineText.trim()})`;
  return `${message.text}${place}`;
}
