import Module from 'node:module';
import path from 'node:path';
import { buildSync, type Message } from 'esbuild';
import { FlowDefinition } from '../../lib/define/flow-definition';
import { ConfigError } from '../../lib/errors';
import { packageRoot } from '../package-root';

const programs = new Set(['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs']);

/** The library is this one, wherever the program is: its errors are told as ours are. */
const library: { readonly [name: string]: string } = {
  kflow: path.join(packageRoot, 'dist/js/lib/index.js'),
  'kflow/constructs': path.join(packageRoot, 'dist/js/lib/constructs/index.js'),
};

/** Whether a file is a program that defines a flow, by its extension. */
export function isProgram(file: string): boolean {
  return programs.has(path.extname(file));
}

/**
 * Runs a TypeScript or JavaScript program and gives the document of the flow it exports. Throws ConfigError when it does
 * not compile or run, or exports no flow or several.
 */
export function loadDefinition(file: string): object {
  const exported = Object.entries(evaluate(path.resolve(file), file)).filter(
    ([, value]) => value instanceof FlowDefinition,
  );
  const definitions = [...new Set(exported.map(([, value]) => value as FlowDefinition))];
  const [definition] = definitions;
  if (definition !== undefined && definitions.length === 1) return definition.document();
  const found = definitions.length === 0 ? 'no flow' : `several flows (${exported.map(([name]) => name).join(', ')})`;
  throw new ConfigError('config-invalid', `${file} exports ${found}; export one: export const flow = defineFlow(…)`);
}

function evaluate(filename: string, file: string): { readonly [name: string]: unknown } {
  const code = bundle(filename, file);
  process.setSourceMapsEnabled(true);
  const module = new Module(filename);
  module.filename = filename;
  const loader = module as unknown as { paths: string[]; _compile(code: string, filename: string): void };
  loader.paths = (Module as unknown as { _nodeModulePaths(from: string): string[] })._nodeModulePaths(
    path.dirname(filename),
  );
  try {
    loader._compile(code, filename);
  } catch (error) {
    const reason = error instanceof ConfigError ? error.message : (error as Error).stack;
    throw new ConfigError('config-invalid', `${file} failed: ${reason}`, { cause: error });
  }
  return module.exports;
}

function bundle(filename: string, file: string): string {
  try {
    const { outputFiles } = buildSync({
      entryPoints: [filename],
      bundle: true,
      write: false,
      platform: 'node',
      format: 'cjs',
      target: 'node20',
      packages: 'external',
      alias: library,
      external: Object.values(library),
      sourcemap: 'inline',
      logLevel: 'silent',
    });
    return outputFiles[0]?.text ?? '';
  } catch (error) {
    const told = ((error as { errors?: readonly Message[] }).errors ?? []).map(
      ({ text, location }) => `${location === null ? file : `${location.file}:${location.line}`}: ${text}`,
    );
    throw new ConfigError('config-invalid', told.length === 0 ? String(error) : told.join('\n'), { cause: error });
  }
}
