import path from 'node:path';
import type { Message } from 'esbuild';
import { FlowDefinition } from '../../../lib/define/flow-definition';
import { TaskFlowDefinition } from '../../../lib/define/task-flows/task-flow-definition';
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
type Definition = FlowDefinition | WorkerDefinition | TaskFlowDefinition;

/** Programs that ran already, by path: a command may ask first what a program exports. */
const loaded = new Map<string, Definition>();

/**
 * Runs a TypeScript or JavaScript program and returns the flow, task worker or task flow that it exports; its output goes to
 * stderr. Throws ConfigError when the program does not compile, throws, exits, or exports none or several.
 */
export function loadProgram(file: string): Definition {
  const filename = path.resolve(file);
  const known = loaded.get(filename);
  if (known !== undefined) return known;
  const exported = evaluate(filename, file);
  const named = Object.entries({ 'module.exports': exported, ...(exported ?? {}) });
  const flows = named.filter((entry): entry is [string, Definition] => isDefinition(entry[1]));
  const [definition, ...others] = new Set(flows.map(([, flow]) => flow));
  if (definition !== undefined && others.length === 0) {
    loaded.set(filename, definition);
    return definition;
  }
  const found = definition === undefined ? 'no flow' : `several flows (${flows.map(([name]) => name).join(', ')})`;
  throw new ConfigError(
    'config-invalid',
    `${file} exports ${found}; export exactly one: export const flow = defineFlow(…), or defineTaskFlow(…)`,
  );
}

/** The flow or task worker that a program exports. Throws as `loadProgram` does, and for a task flow. */
export function loadDefinition(file: string): FlowDefinition | WorkerDefinition {
  const definition = loadProgram(file);
  if (!(definition instanceof TaskFlowDefinition)) return definition;
  throw new ConfigError('config-invalid', `${file} exports a task flow, and this command takes topologies`);
}

/** Where a program names something in quotes; the start of the program if nowhere. */
export function placeOfName(program: string, name: string): { readonly line: number; readonly col: number } {
  const places = ["'", '"', '`'].map((quote) => program.indexOf(`${quote}${name}${quote}`)).filter((at) => at >= 0);
  const before = program.slice(0, name === '' || places.length === 0 ? 0 : Math.min(...places)).split('\n');
  return { line: before.length, col: (before.at(-1)?.length ?? 0) + 1 };
}

function isDefinition(value: unknown): value is Definition {
  return [FlowDefinition, WorkerDefinition, TaskFlowDefinition].some((type) => value instanceof type);
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
