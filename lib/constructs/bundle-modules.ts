import { readFileSync } from 'node:fs';
import path from 'node:path';
import { buildSync, type Message } from 'esbuild';
import { ConfigError } from '../errors';
import type { Language } from '../topology/document/language';
import type { FlowFunction, FunctionMeta, Topology } from '../topology/document/topology';

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

/** Same as `bundleModules`, with the faults as data: each has the id of its function. */
export function tryBundle(
  topology: Topology,
  baseDir: string,
): { readonly bundled: Topology; readonly faults: readonly { readonly id: string; readonly why: string }[] } {
  const faults: { id: string; why: string }[] = [];
  const dag = topology.dag.map((fn) => {
    const { module } = fn.meta;
    if (module === undefined || path.isAbsolute(module)) return fn;
    try {
      return withCode(fn, module, path.resolve(baseDir));
    } catch (error) {
      faults.push({ id: fn.id, why: reasonOf(error, module) });
      return fn;
    }
  });
  return { bundled: { ...topology, dag }, faults };
}

function withCode(fn: FlowFunction, module: string, baseDir: string): FlowFunction {
  const { module: _module, ...meta } = fn.meta;
  return { ...fn, meta: { ...meta, ...inlineCode[meta.language](module, baseDir) } };
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
