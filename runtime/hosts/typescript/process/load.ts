import { isNativeError } from 'node:util/types';
import type { Logger } from '../../../../lib/define/sdk';
import * as library from '../../../../lib/define/sdk';
import { evaluateModule } from '../evaluate-module';

export type EntryFunction = (...args: unknown[]) => unknown;

export interface CompiledCode {
  /** CommonJS that ends with an inline source map. */
  readonly code: string;
  /** The path of the file that the code stands for; packages are resolved from its folder. */
  readonly file: string;
  /** Name of the entry; left out, the default export. */
  readonly entry?: string;
}

/** The code of a task worker, by the names of its tasks. */
export interface CompiledTasks {
  readonly tasks: { readonly [name: string]: CompiledCode };
}

/** The functions of user code that the host calls. `finish` gives the function's aggregate. */
export interface LoadedFunction {
  readonly entry: EntryFunction;
  readonly finish?: EntryFunction;
}

interface FoundFunctions {
  readonly entry: unknown;
  readonly finish: unknown;
}

/**
 * Runs compiled code and finds its entry: the function named `entry` at the top level of the code or among the exports,
 * else the default export. Undefined without one, if the code has turned out to be a program. Throws an Error that says what is
 * wrong with the code.
 */
export function loadFunction(
  { code, file, entry = 'default' }: CompiledCode,
  logger: Logger,
  isProgram: () => boolean,
): LoadedFunction | undefined {
  let found: FoundFunctions;
  try {
    found = evaluate(code, file, { entry, logger });
  } catch (cause) {
    const stack = isNativeError(cause) ? (cause.stack ?? cause.message) : String(cause);
    throw new Error(`loading the code failed: ${stack}`);
  }
  if (typeof found.entry !== 'function') {
    if (isProgram()) return undefined;
    throw new Error(`the code has no function "${entry}"; set meta.name to the entry function`);
  }
  const finish = entry !== 'finish' && typeof found.finish === 'function' ? found.finish : undefined;
  return { entry: found.entry as EntryFunction, ...(finish === undefined ? {} : { finish: finish as EntryFunction }) };
}

/** The name under which code imports the API of functions. It is that of this process, wherever packages are resolved. */
const libraryName = 'kflow/function';

/**
 * Runs the code as a CommonJS module with `logger` and the classes of the API in scope. Top-level functions are found
 * without an export.
 */
function evaluate(code: string, file: string, { entry, logger }: { entry: string; logger: Logger }): FoundFunctions {
  const ifLocal = (name: string) => `typeof ${name} === 'function' ? ${name} : undefined`;
  const find = `local: (${entry === 'default' ? 'undefined' : ifLocal(entry)}), finish: (${ifLocal('finish')})`;
  const { AckException, Decimal, Duration, TaskError, TerminalError } = library;
  const scope = { logger, AckException, Decimal, Duration, TaskError, TerminalError };
  // on the first line, so that line numbers stay right; two functions, so that the code can declare these names itself
  const head = `module.exports = ({ ${Object.keys(scope).join(', ')} }, library) => ((exports, require, module) => { `;
  const own = `Object.assign((name) => (name === '${libraryName}' ? library : require(name)), require)`;
  const tail = `\n;return { ${find}, exports: module.exports }; })(exports, ${own}, module);`;
  const at = code.lastIndexOf('\n//# sourceMappingURL');
  const module = evaluateModule(`${head}${code.slice(0, at)}${tail}${code.slice(at)}`, file);
  const load = module.exports as (
    names: typeof scope,
    api: typeof library,
  ) => {
    local: unknown;
    finish: unknown;
    exports: Record<string, unknown>;
  };
  module.exports = {};
  const { local, finish, exports } = load(scope, library);
  return { entry: local ?? exports[entry] ?? exports.default, finish: finish ?? exports.finish };
}
