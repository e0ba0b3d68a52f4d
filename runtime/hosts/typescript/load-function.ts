import path from 'node:path';
import { type Message, transformSync } from 'esbuild';
import type { Logger } from '../../../lib/define/sdk';
import { ConfigError } from '../../../lib/errors';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { bundleModule, evaluateModule } from './module-file';

export type EntryFunction = (...args: unknown[]) => unknown;

/** Names in scope of user code beside Node's own. */
export interface UserScope {
  readonly logger: Logger;
  readonly console: Console;
}

/**
 * Compiles a function's inline code or module and finds its entry: the function `entry` at the top of the code or among
 * the exports, else the default export. Throws ConfigError with the place in the user's code.
 */
export function loadFunction(spec: FunctionSpec, baseDir: string, scope: UserScope): EntryFunction {
  const { filename, code } = compile(spec, baseDir);
  const entry = spec.entry ?? 'default';
  let found: unknown;
  try {
    found = evaluate(code, filename, entry, scope);
  } catch (cause) {
    throw new ConfigError(
      'function-failed',
      `${spec.function}: the code failed while it was loaded: ${stackOf(cause)}`,
      { cause },
    );
  }
  if (typeof found !== 'function') {
    throw new ConfigError(
      'config-invalid',
      `${spec.function}: the code has no function "${entry}"; meta.name names the entry function`,
    );
  }
  return found as EntryFunction;
}

function compile(spec: FunctionSpec, baseDir: string): { filename: string; code: string } {
  try {
    if (spec.module !== undefined) {
      const filename = path.resolve(baseDir, spec.module);
      return { filename, code: bundleModule(filename) };
    }
    const extension = spec.language === 'typescript' ? 'ts' : 'js';
    const filename = path.join(baseDir, `${spec.function}.${extension}`);
    const { code } = transformSync(spec.code ?? '', {
      loader: extension,
      format: 'cjs',
      target: 'node20',
      sourcemap: 'inline',
      sourcefile: filename,
    });
    return { filename, code };
  } catch (cause) {
    const messages = (cause as { errors?: Message[] }).errors?.map(formatMessage) ?? [String(cause)];
    throw new ConfigError('config-invalid', `${spec.function}: the code does not compile: ${messages.join('; ')}`, {
      cause,
    });
  }
}

/** Runs the code as a CommonJS module whose scope also has `scope`; top-level functions need no export to be found. */
function evaluate(code: string, filename: string, entry: string, scope: UserScope): unknown {
  const lookUp = entry === 'default' ? 'undefined' : `typeof ${entry} === 'function' ? ${entry} : undefined`;
  // on the first line, so that the lines of the code keep their numbers; two functions, so that the code may have a
  // `logger` or `console` of its own
  const head = 'module.exports = (logger, console) => ((exports, require, module) => { ';
  const tail = `\n;return { local: (${lookUp}), exports: module.exports }; })(exports, require, module);`;
  const at = code.lastIndexOf('\n//# sourceMappingURL');
  const module = evaluateModule(`${head}${code.slice(0, at)}${tail}${code.slice(at)}`, filename);
  const load = module.exports as (
    logger: Logger,
    console: Console,
  ) => { local: unknown; exports: Record<string, unknown> };
  module.exports = {};
  const { local, exports } = load(scope.logger, scope.console);
  return local ?? exports[entry] ?? exports.default;
}

function formatMessage(message: Message): string {
  const place =
    message.location === null ? '' : ` (line ${message.location.line}: ${message.location.lineText.trim()})`;
  return `${message.text}${place}`;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
