import { readFileSync } from 'node:fs';
import path from 'node:path';
import { buildSync, type Message } from 'esbuild';
import { ConfigError } from '../errors';
import type { Language } from '../topology/document/language';
import type { FunctionMeta, Topology } from '../topology/document/topology';

/**
 * The topology with the code of its modules inline, because pods have no access to the files: TypeScript and JavaScript
 * are bundled with their imports, Python is copied. A module with an absolute path is a file of the image and is kept.
 * Throws ConfigError with every function whose module cannot be read or bundled.
 */
export function bundleModules(topology: Topology, baseDir: string): Topology {
  const { bundled, faults } = tryBundle(topology, baseDir);
  if (faults.length > 0)
    throw new ConfigError('config-invalid', faults.map(({ id, why }) => `${id}: ${why}`).join('\n'));
  return bundled;
}

/** Where a module is named, below its function. */
type Place = readonly string[];
type Written = Pick<FunctionMeta, 'language' | 'code' | 'module'>;

interface BundleFault {
  /** Of the function. */
  readonly id: string;
  readonly place: Place;
  readonly why: string;
}

/** Same as `bundleModules`, with the faults as data: each has the id of its function. */
export function tryBundle(
  topology: Topology,
  baseDir: string,
): { readonly bundled: Topology; readonly faults: readonly BundleFault[] } {
  const faults: BundleFault[] = [];
  const inlined = <Code extends Written>(code: Code, id: string, place: Place): Code => {
    const { module, ...others } = code;
    if (module === undefined || path.isAbsolute(module)) return code;
    try {
      return { ...others, ...inlineModule({ module, language: code.language }, baseDir) } as Code;
    } catch (error) {
      faults.push({ id, place, why: (error as Error).message });
      return code;
    }
  };
  const dag = topology.dag.map((fn) => {
    const meta = inlined(fn.meta, fn.id, ['meta']);
    const tasks = Object.entries(fn.tasks ?? {}).map(([name, task]) => [name, inlined(task, fn.id, ['tasks', name])]);
    const isSame = meta === fn.meta && tasks.every(([name, task]) => task === fn.tasks?.[String(name)]);
    if (isSame) return fn;
    return { ...fn, meta, ...(fn.tasks === undefined ? {} : { tasks: Object.fromEntries(tasks) }) };
  });
  return { bundled: { ...topology, dag }, faults };
}

/** A module as inline code. Throws ConfigError if it cannot be read or bundled. */
export function inlineModule(
  { module, language }: { readonly module: string; readonly language: Language },
  baseDir: string,
): Pick<FunctionMeta, 'language' | 'code'> {
  try {
    return inlineCode[language](module, path.resolve(baseDir));
  } catch (error) {
    throw new ConfigError('config-invalid', reasonOf(error, module), { cause: error });
  }
}

/** A module as inline code, by its language. */
const inlineCode: {
  readonly [L in Language]: (module: string, baseDir: string) => Pick<FunctionMeta, 'language' | 'code'>;
} = {
  python: (module, baseDir) => ({ language: 'python', code: readFileSync(path.join(baseDir, module), 'utf8') }),
  typescript: (module, baseDir) => ({ language: 'javascript', code: bundle(module, baseDir) }),
  javascript: (module, baseDir) => ({ language: 'javascript', code: bundle(module, baseDir) }),
};

/** The same text on any machine: paths in it are relative to the base folder. */
function bundle(module: string, baseDir: string): string {
  const { outputFiles } = buildSync({
    absWorkingDir: baseDir,
    entryPoints: [module.startsWith('.') ? module : `./${module}`],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['kflow/function'], // the host has it
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}

function reasonOf(error: unknown, module: string): string {
  const messages = (error as { errors?: readonly Message[] }).errors;
  if (messages === undefined) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return `cannot read the module ${module}: ${isMissing ? 'no such file' : (error as Error).message}`;
  }
  const reasons = messages.map(({ text, location }) =>
    location === null ? text : `${location.file}:${location.line}: ${text}`,
  );
  return `cannot bundle the module ${module}: ${reasons.join('; ')}`;
}
