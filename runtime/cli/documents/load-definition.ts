import path from 'node:path';
import type { Message } from 'esbuild';
import { FlowDefinition } from '../../../lib/define/flow-definition';
import { WorkerDefinition } from '../../../lib/define/worker-definition';
import { ConfigError } from '../../../lib/errors';
import { bundleModule, type Libraries } from '../../hosts/typescript/bundle-module';
import { evaluateModule } from '../../hosts/typescript/evaluate-module';
import { packageRoot } from '../../package-root';

const programs = new Set(['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs']);

/** Programs in any folder use this copy of the library, so that its classes and errors are identical to ours. */
const library: Libraries = {
  kflow: path.join(packageRoot, 'dist/js/lib/index.js'),
  'kflow/constructs': path.join(packageRoot, 'dist/js/lib/constructs/index.js'),
};

/** Whether the file is a TypeScript or JavaScript program, by its extension. */
export function isProgram(file: string): boolean {
  return programs.has(path.extname(file));
}

/** What a program exports. */
type Definition = FlowDefinition | WorkerDefinition;

/**
 * Runs a TypeScript or JavaScript program and returns the flow or the task worker that it exports; its output goes to stderr. Throws
 * ConfigError when the program does not compile, throws, exits, or exports no flow or several.
 */
export function loadDefinition(file: string): Definition {
  const exported = evaluate(path.resolve(file), file);
  const named = Object.entries({ 'module.exports': exported, ...(exported ?? {}) });
  const flows = named.filter((entry): entry is [string, Definition] => isDefinition(entry[1]));
  const [definition, ...others] = new Set(flows.map(([, flow]) => flow));
  if (definition !== undefined && others.length === 0) return definition;
  const found = definition === undefined ? 'no flow' : `several flows (${flows.map(([name]) => name).join(', ')})`;
  throw new ConfigError(
    'config-invalid',
    `${file} exports ${found}; export exactly one: export const flow = defineFlow(…)`,
  );
}

function isDefinition(value: unknown): value is Definition {
  return value instanceof FlowDefinition || value instanceof WorkerDefinition;
}

function evaluate(filename: string, file: string): object | null | undefined {
  const code = bundle(filename, file);
  const { exit } = process;
  const { write } = process.stdout;
  process.stdout.write = process.stderr.write.bind(process.stderr);
  process.exit = () => {
    throw new ConfigError('config-invalid', 'the program calls process.exit');
  };
  try {
    return evaluateModule(code, filename).exports;
  } catch (error) {
    const isOurs = error instanceof ConfigError || !(error instanceof Error);
    const reason = isOurs ? String((error as Error | undefined)?.message ?? error) : error.stack;
    throw new ConfigError('config-invalid', `${file} failed: ${reason}`, { cause: error });
  } finally {
    process.exit = exit;
    process.stdout.write = write;
  }
}

function bundle(filename: string, file: string): string {
  try {
    return bundleModule(filename, library);
  } catch (error) {
    const messages = ((error as { errors?: readonly Message[] }).errors ?? []).map(
      ({ text, location }) => `${location === null ? file : `${location.file}:${location.line}`}: ${text}`,
    );
    throw new ConfigError('config-invalid', messages.length === 0 ? String(error) : messages.join('\n'), {
      cause: error,
    });
  }
}
