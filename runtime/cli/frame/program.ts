import { Argument, Command, Help, Option } from 'commander';
import { packageVersion } from '../../package-root';
import { type ArgumentSpec, type CommandGroup, type CommandSpec, flagOf, type OptionSpec } from './command';
import { exitStatuses } from './exit-status';

/** The texts given for each declared argument or option, in the order of the command line. */
export type Given = ReadonlyMap<string, readonly string[]>;

/** Runs a command with the texts of its command line. */
export type Act = (command: CommandSpec, given: Given) => Promise<void>;

/** Receives help and errors. */
export interface Terminal {
  readonly writeOut: (text: string) => void;
  readonly writeErr: (text: string) => void;
}

/** The commander program of the registry: parses, prints help, and calls `act` for every command. */
export function createProgram(groups: readonly CommandGroup[], act: Act, terminal: Terminal): Command {
  const program = new Command('kflow')
    .description('Dataflow on Kubernetes as code: check, draw, render and run topologies.')
    .version(packageVersion, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .configureHelp({ optionDescription, subcommandTerm })
    .configureOutput({ ...terminal, outputError: () => undefined })
    .exitOverride()
    .addHelpText('after', `\n${exitStatusHelp()}`);
  for (const { heading, commands } of groups) {
    program.commandsGroup(heading);
    for (const command of commands) addCommand(program, command, act);
  }
  program.helpCommand('help [command]', 'print the help of a command');
  return program;
}

function addCommand(parent: Command, spec: CommandSpec, act: Act): void {
  const command = parent.command(spec.name, { hidden: spec.isHidden === true });
  command.summary(spec.summary).description(`${spec.summary.charAt(0).toUpperCase()}${spec.summary.slice(1)}.`);
  for (const [key, argument] of Object.entries(spec.arguments)) command.addArgument(argumentOf(key, argument));
  for (const [key, option] of Object.entries(spec.options)) command.addOption(optionOf(key, option));
  if (spec.details !== undefined) command.addHelpText('after', `\n${spec.details}`);
  for (const inner of spec.commands) addCommand(command, inner, act);
  if (spec.commands.length > 0) command.helpCommand('help [command]', 'print the help of a command');
  else command.action(() => act(spec, givenTo(command, spec)));
}

function argumentOf(key: string, { name = key, description, choices, arity }: ArgumentSpec<unknown>): Argument {
  const brackets = { one: `<${name}>`, optional: `[${name}]`, many: `<${name}...>`, any: `[${name}...]` }[arity];
  return new Argument(brackets, withNote(description ?? '', choices));
}

/** Collects the texts unchanged; the runner parses them, so that its messages name the flag. */
function optionOf(key: string, spec: OptionSpec<unknown>): Option {
  const { short, placeholder, arity, choices, heading, fallback } = spec;
  const words = arity === 'words' ? placeholder?.replace('>', '...>') : placeholder;
  const flags = [short === undefined ? '' : `${short}, `, flagOf(key, spec), words === undefined ? '' : ` ${words}`];
  const option = new Option(flags.join(''), withNote(spec.description, choices, fallback));
  if (placeholder !== undefined) {
    option.argParser<readonly string[]>((text, previous) => [...(previous ?? []), text]);
  }
  return heading === undefined ? option : option.helpGroup(heading);
}

function withNote(description: string, choices?: readonly string[], fallback?: string): string {
  const notes = [choices?.join(', '), fallback === undefined ? undefined : `default: ${fallback}`];
  const note = notes.filter((each) => each !== undefined).join('; ');
  return note === '' ? description : `${description} (${note})`.trimStart();
}

function givenTo(command: Command, spec: CommandSpec): Given {
  const given = new Map<string, readonly string[]>();
  for (const [index, key] of Object.keys(spec.arguments).entries()) {
    given.set(key, [command.processedArgs[index] ?? []].flat());
  }
  for (const [key, { placeholder }] of Object.entries(spec.options)) {
    const isWritten = command.getOptionValueSource(key) === 'cli';
    const texts = placeholder === undefined ? [''] : (command.getOptionValue(key) as readonly string[]);
    given.set(key, isWritten ? texts : []);
  }
  return given;
}

/** The descriptions already contain the defaults. */
function optionDescription(option: Option): string {
  return option.description;
}

/** Nearly every command has options, so the list of commands omits `[options]`. */
function subcommandTerm(command: Command): string {
  return new Help().subcommandTerm(command).replace(' [options]', '');
}

function exitStatusHelp(): string {
  const rows = exitStatuses.map(({ status, meaning }) => `  ${String(status).padEnd(5)}${meaning}`);
  return ['Exit statuses:', ...rows].join('\n');
}
