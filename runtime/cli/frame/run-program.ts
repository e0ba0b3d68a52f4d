import { CommanderError } from 'commander';
import { ConfigError, KFlowError } from '../../../lib/errors';
import { type CommandContext, type CommandGroup, type CommandSpec, flagOf } from './command';
import { ExitStatus, exitStatusOf, usageError } from './exit-status';
import { Interrupts } from './interrupts';
import { createProgram, type Given, type Terminal } from './program';
import { BadValue, badValueMessage } from './values';

const processTerminal: Terminal = {
  writeOut: (text) => process.stdout.write(text),
  writeErr: (text) => process.stderr.write(text),
};

/**
 * Runs the command that `words` name and resolves to the exit status of the process. Errors go to stderr: a KFlowError as
 * its message, wrong usage with a hint at `--help`, any other error with its stack.
 */
export async function runProgram(
  groups: readonly CommandGroup[],
  words: readonly string[],
  terminal: Terminal = processTerminal,
): Promise<ExitStatus> {
  let status: ExitStatus = ExitStatus.Done;
  const program = createProgram(
    groups,
    async (command, given) => {
      status = await run(command, given, groups);
    },
    terminal,
  );
  try {
    assertHelpKnown(groups, words);
    await program.parseAsync([...words], { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return ExitStatus.Done;
    return report(error, commandNamed(groups, words), terminal);
  }
}

async function run(command: CommandSpec, given: Given, groups: readonly CommandGroup[]): Promise<ExitStatus> {
  const input = readInput(command, given);
  let interrupts: Interrupts | undefined;
  const context: CommandContext = {
    groups,
    interrupts: () => {
      interrupts ??= new Interrupts();
      return interrupts;
    },
  };
  try {
    return await command.run(input as never, context);
  } finally {
    interrupts?.close();
  }
}

function readInput(command: CommandSpec, given: Given): { readonly [name: string]: unknown } {
  const specs = [
    ...Object.entries(command.arguments).map(([key, spec]) => ({ key, label: spec.name ?? key, spec })),
    ...Object.entries(command.options).map(([key, spec]) => ({ key, label: flagOf(key, spec), spec })),
  ];
  return Object.fromEntries(
    specs.map(({ key, label, spec }) => [key, read(label, spec.read, given.get(key) ?? [])] as const),
  );
}

function read(label: string, reader: (texts: readonly string[]) => unknown, texts: readonly string[]): unknown {
  try {
    return reader(texts);
  } catch (error) {
    // its place is the option
    if (error instanceof ConfigError)
      throw usageError(`${label}: ${error.message.replace(`${error.detail.where}: `, '')}`);
    if (!(error instanceof BadValue)) throw error;
    throw usageError(
      texts.length === 0 ? `${label} ${error.message}` : badValueMessage(label, error, error.value ?? texts.join(' ')),
    );
  }
}

function report(error: unknown, path: readonly string[], { writeErr }: Terminal): ExitStatus {
  // the parser has already printed the help of a command that only has subcommands
  if (error instanceof CommanderError && error.code === 'commander.help') return ExitStatus.Usage;
  const status = error instanceof CommanderError ? ExitStatus.Usage : exitStatusOf(error);
  const help = status === ExitStatus.Usage ? `\nrun ${[...path, '--help'].join(' ')} for usage` : '';
  writeErr(`kflow: ${textOf(error)}${help}\n`);
  return status;
}

function textOf(error: unknown): string {
  if (error instanceof CommanderError) return usageText(error.message);
  return error instanceof KFlowError ? error.message : String((error as Error).stack ?? error);
}

/** `kflow help COMMAND` prints the help of the program when the parser does not know the command. */
function assertHelpKnown(groups: readonly CommandGroup[], [first, name]: readonly string[]): void {
  if (first !== 'help' || name === undefined || name.startsWith('-')) return;
  if (commandNamed(groups, [name]).length === 1) throw usageError(`unknown command "${name}"`);
}

/** A message of the parser in the form of our messages: `unknown command "lnt"; did you mean "lint"?` */
function usageText(message: string): string {
  return message
    .replace(/^error: /, '')
    .replace(/^too many arguments .*Expected (\d+) arguments? but got (\d+)\.$/, 'too many arguments: want $1, got $2')
    .replace(/\n\(Did you mean (?:one of )?(.+)\?\)$/, (_, names: string) => `; did you mean '${names}'?`)
    .replaceAll("'", '"');
}

/** The command that the first words name: `kflow bucket put`. */
function commandNamed(groups: readonly CommandGroup[], words: readonly string[]): readonly string[] {
  const path = ['kflow'];
  let commands = groups.flatMap((group) => group.commands);
  for (const word of words[0] === 'help' ? [] : words) {
    const found = commands.find(({ name }) => name === word);
    if (found === undefined) break;
    path.push(word);
    commands = [...found.commands];
  }
  return path;
}
