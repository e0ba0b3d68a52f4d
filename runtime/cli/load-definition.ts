import Module from 'node:module';
import path from 'node:path';
import { buildSync, type Message } from 'esbuild';
import { ConfigError } from '../../lib/errors';

/** What `defineFlow` gives; a program may have its own copy of the library, so the class does not tell. */
interface Definition {
  document(): object;
}

const programs = new Set(['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs']);

/** Whether a file is a program that defines a flow, by its extension. */
export function isProgram(file: string): boolean {
  return programs.has(path.extname(file));
}

/**
 * Runs a TypeScript or JavaScript program and gives the document of the flow it exports. Throws ConfigError when it does
 * not compile or run, or exports no flow or several.
 */
export function loadDefinition(file: string): object {
  const exported = Object.entries(evaluate(path.resolve(file), file)).filter(([, value]) => isDefinition(value));
  const definitions = [...new Set(exported.map(([, value]) => value as Definition))];
  const [definition] = definitions;
  if (definition !== undefined && definitions.length === 1) return definition.document();
  const found = definitions.length === 0 ? 'no flow' : `several flows (${exported.map(([name]) => name).join(', ')})`;
  throw new ConfigError('config-invalid', `${file} exports ${found}; export one: export const flow = defineFlow(…)`);
}

function isDefinition(value: unknown): value is Definition {
  return typeof value === 'object' && value !== null && 'document' in value && typeof value.document === 'function';
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
      sourcemap: 'inline',
      keepNames: false,
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
