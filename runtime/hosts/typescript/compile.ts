import path from 'node:path';
import { type Message, transformSync } from 'esbuild';
import { ConfigError } from '../../../lib/errors';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import type { HostOptions } from '../host-factory';
import { bundleModule } from './bundle-module';
import type { CompiledCode } from './process/load';

/** A function is compiled once, although its host may be opened again and again. */
const compiled = new WeakMap<FunctionSpec, CompiledCode>();

/** Compiles a function's inline code or module. Throws ConfigError with the position in the user's code. */
export function compileFunction({ spec, baseDir }: Pick<HostOptions, 'spec' | 'baseDir'>): CompiledCode {
  const known = compiled.get(spec);
  if (known !== undefined) return known;
  try {
    const code = spec.module === undefined ? compileInline(spec, baseDir) : compileModule(spec.module, baseDir);
    compiled.set(spec, code);
    return code;
  } catch (cause) {
    const messages = (cause as { errors?: Message[] }).errors?.map(formatMessage) ?? [String(cause)];
    const message = `${spec.function}: the code does not compile: ${messages.join('; ')}`;
    throw new ConfigError('config-invalid', message, { cause });
  }
}

function compileModule(module: string, baseDir: string): CompiledCode {
  const file = path.resolve(baseDir, module);
  return { file, code: bundleModule(file) };
}

function compileInline(spec: FunctionSpec, baseDir: string): CompiledCode {
  const extension = spec.language === 'typescript' ? 'ts' : 'js';
  const file = path.join(baseDir, `${spec.function}.${extension}`);
  const { code } = transformSync(spec.code ?? '', {
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
