import type { ExitStatus } from './exit-status';
import type { Interrupts } from './interrupts';

/** Values that shell completion requests from the controller. */
type Completion = 'flow' | 'function' | 'replicas' | 'namespace' | 'execution';

interface ValueSpec<Value> {
  readonly description?: string;
  /** The only values; help and completion list them. */
  readonly choices?: readonly string[];
  readonly completes?: Completion;
  /** Parses the given texts, none if the argument or option was left out. Throws BadValue. */
  readonly read: (texts: readonly string[]) => Value;
}

export interface ArgumentSpec<Value> extends ValueSpec<Value> {
  /** The name in help; left out, the key of the declaration. */
  readonly name?: string;
  /** `many`: one or more; `any`: none or more. */
  readonly arity: 'one' | 'optional' | 'many' | 'any';
}

/** An option. Its long flag is the key of the declaration in kebab case. */
export interface OptionSpec<Value> extends ValueSpec<Value> {
  readonly description: string;
  /** `-o` */
  readonly short?: string;
  /** `<format>`; a flag has none. */
  readonly placeholder?: string;
  /** `words`: the option accepts several words after one flag. */
  readonly arity?: 'words';
  /** The flag is `--no-<key>`, and the value is true without it. */
  readonly isNegated?: true;
  /** The default in help. */
  readonly fallback?: string;
  /** Heading in help; left out, "Options:". */
  readonly heading?: string;
}

export interface Arguments {
  readonly [name: string]: ArgumentSpec<unknown>;
}
export interface Options {
  readonly [name: string]: OptionSpec<unknown>;
}

/** The parsed values that `run` receives for the declared arguments or options. */
export type Values<Specs> = {
  readonly [Name in keyof Specs]: Specs[Name] extends ValueSpec<infer Value> ? Value : never;
};

/** Services of the runner for a command. */
export interface CommandContext {
  /** Handles Ctrl-C and SIGTERM in place of Node until the command ends. */
  interrupts(): Interrupts;
  /** All commands, for completion. */
  readonly groups: readonly CommandGroup[];
}

interface Declaration<A, O> {
  readonly name: string;
  /** One line of `kflow --help`, in lower case without a full stop. */
  readonly summary: string;
  /** Paragraphs below the options of `kflow COMMAND --help`. */
  readonly details?: string;
  /** In the order of the command line. */
  readonly arguments?: A;
  readonly options?: O;
  /** Loads its dependencies with `import()`, so that other commands and `--help` start fast. */
  run(input: Values<A> & Values<O>, context: CommandContext): Promise<ExitStatus>;
}

/** A declared command. */
export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  readonly details?: string;
  readonly arguments: Arguments;
  readonly options: Options;
  /** Subcommands; a command with subcommands runs nothing itself. */
  readonly commands: readonly CommandSpec[];
  /** Hidden from help and completion. */
  readonly isHidden?: true;
  run(input: never, context: CommandContext): Promise<ExitStatus>;
}

/** The commands below one heading of `kflow --help`. */
export interface CommandGroup {
  readonly heading: string;
  readonly commands: readonly CommandSpec[];
}

/** Declares a command. The type of `run`'s input follows from arguments and options. */
export function defineCommand<A extends Arguments = Record<never, never>, O extends Options = Record<never, never>>(
  declaration: Declaration<A, O> & { readonly isHidden?: true },
): CommandSpec {
  return { arguments: {}, options: {}, commands: [], ...declaration };
}

/** Declares a command that only has subcommands, such as `kflow bucket`. */
export function defineFamily(family: Pick<CommandSpec, 'name' | 'summary' | 'commands'>): CommandSpec {
  const run = () => Promise.reject(new Error(`kflow ${family.name} only has subcommands`));
  return { arguments: {}, options: {}, ...family, run };
}

/** The long flag of an option: `--nats-url` for `natsUrl`. */
export function flagOf(key: string, { isNegated }: Pick<OptionSpec<unknown>, 'isNegated'>): string {
  const name = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return isNegated ? `--no-${name}` : `--${name}`;
}
