import { readFileSync } from 'node:fs';
import path from 'node:path';
import { buildSync, type Message } from 'esbuild';
import { ConfigError } from '../errors';
import type { Language } from '../topology/document/language';
import type { FlowFunction, FunctionMeta, Topology } from '../topology/document/topology';

/**
 * The topology with the code of its modules in it, as pods have only that: TypeScript and JavaScript bundled with what
 * they import, Python as it is. A module with an absolute path is one of the image's and stays. Throws ConfigError that
 * names every function whose module cannot be read or bundled.
 */
export function bundleModules(topology: Topology, baseDir: string): Topology {
  const faults: string[] = [];
  const dag = topology.dag.map((fn) => {
    const { module } = fn.meta;
    if (module === undefined || path.isAbsolute(module)) return fn;
    try {
      return withCode(fn, module, path.resolve(baseDir));
    } catch (error) {
      faults.push(`${fn.id}: ${reasonOf(error, module)}`);
      return fn;
    }
  });
  if (faults.length > 0) throw new ConfigError('config-invalid', faults.join('\n'));
  return { ...topology, dag };
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

/** The same text on any machine: paths in it are those below the base folder. */
function bundle(module: string, baseDir: string): string {
  const { outputFiles } = buildSync({
    absWorkingDir: baseDir,
    entryPoints: [module.startsWith('.') ? module : `./${module}`],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}

function reasonOf(error: unknown, module: string): string {
  const messages = (error as { errors?: readonly Message[] }).errors;
  if (messages === undefined) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return `the module ${module} cannot be read: ${isMissing ? 'there is no such file' : (error as Error).message}`;
  }
  const told = messages.map(({ text, location }) =>
    location === null ? text : `${location.file}:${location.line}: ${text}`,
  );
  return `the module ${module} cannot be bundled: ${told.join('; ')}`;
}
