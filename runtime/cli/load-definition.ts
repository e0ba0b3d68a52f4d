import path from 'node:path';
import type { Message } from 'esbuild';
import { FlowDefinition } from '../../lib/define/flow-definition';
import { ConfigError } from '../../lib/errors';
import { bundleModule, evaluateModule, type Libraries } from '../hosts/typescript/module-file';
import { packageRoot } from '../package-root';

const programs = new Set(['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs']);

/** The library is this one, wherever the program is: its errors are told as ours are. */
const library: Libraries = {
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
  try {
    return evaluateModule(code, filename).exports;
  } catch (error) {
    const reason = error instanceof ConfigError ? error.message : (error as Error).stack;
    throw new ConfigError('config-invalid', `${file} failed: ${reason}`, { cause: error });
  }
}

function bundle(filename: string, file: string): string {
  try {
    return bundleModule(filename, library);
  } catch (error) {
    const told = ((error as { errors?: readonly Message[] }).errors ?? []).map(
      ({ text, location }) => `${location === null ? file : `${location.file}:${location.line}`}: ${text}`,
    );
    throw new ConfigError('config-invalid', told.length === 0 ? String(error) : told.join('\n'), { cause: error });
  }
}
