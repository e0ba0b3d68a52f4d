import path from 'node:path';
import { isNativeError } from 'node:util/types';
import { type Message, transformSync } from 'esbuild';
import type { Logger } from '../../../lib/define/sdk';
import { ConfigError } from '../../../lib/errors';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { bundleModule, evaluateModule } from './module-file';

export type EntryFunction = (...args: unknown[]) => unknown;

/** The functions of user code that the host calls. `finish` gives the function's aggregate. */
export interface LoadedFunction {
  readonly entry: EntryFunction;
  readonly finish?: EntryFunction;
}

interface FoundFunctions {
  readonly entry: unknown;
  readonly finish: unknown;
}

/** Names in the scope of user code beside those of Node. */
export interface UserScope {
  readonly logger: Logger;
  readonly console: Console;
}

/**
 * Compiles a function's inline code or module and finds its entry: the function named `entry` at the top level of the
 * code or among the exports, else the default export. Throws ConfigError with the position in the user's code.
 */
export function loadFunction(spec: FunctionSpec, baseDir: string, scope: UserScope): LoadedFunction {
  const { filename, code } = compile(spec, baseDir);
  const entry = spec.entry ?? 'default';
  let found: FoundFunctions;
  try {
    found = evaluate(code, filename, entry, scope);
  } catch (cause) {
    const message = `${spec.function}: loading the code failed: ${stackOf(cause)}`;
    throw new ConfigError('function-failed', message, { cause });
  }
  if (typeof found.entry !== 'function') {
    const message = `${spec.function}: the code has no function "${entry}"; set meta.name to the entry function`;
    throw new ConfigError('config-invalid', message);
  }
  const finish = entry !== 'finish' && typeof found.finish === 'function' ? found.finish : undefined;
  return { entry: found.entry as EntryFunction, ...(finish === undefined ? {} : { finish: finish as EntryFunction }) };
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

/** Runs the code as a CommonJS module with `scope` in scope. Top-level functions are found without an export. */
function evaluate(code: string, filename: string, entry: string, scope: UserScope): FoundFunctions {
  const ifLocal = (name: string) => `typeof ${name} === 'function' ? ${name} : undefined`;
  const find = entry === 'default' ? 'undefined' : ifLocal(entry);
  // on the first line, so that line numbers stay right; two functions, so that the code can declare its own `logger`
  // or `console`
  const head = 'module.exports = (logger, console) => ((exports, require, module) => { ';
  const tail = `\n;return { local: (${find}), finish: (${ifLocal('finish')}), exports: module.exports }; })(exports, require, module);`;
  const at = code.lastIndexOf('\n//# sourceMappingURL');
  const module = evaluateModule(`${head}${code.slice(0, at)}${tail}${code.slice(at)}`, filename);
  const load = module.exports as (
    logger: Logger,
    console: Console,
  ) => { local: unknown; finish: unknown; exports: Record<string, unknown> };
  module.exports = {};
  const { local, finish, exports } = load(scope.logger, scope.console);
  return { entry: local ?? exports[entry] ?? exports.default, finish: finish ?? exports.finish };
}

function formatMessage(message: Message): string {
  const place =
    message.location === null ? '' : ` (line ${message.location.line}: ${message.location.lineText.trim()})`;
  return `${message.text}${place}`;
}

function stackOf(error: unknown): string {
  return isNativeError(error) ? (error.stack ?? error.message) : String(error);
}
