import type { ExitStatus } from './exit-status';
import type { Interrupts } from './interrupts';

/** Values that only a controller knows; shell completion asks for them. */
type Completion = 'flow' | 'function' | 'replicas' | 'namespace';

interface ValueSpec<Value> {
  readonly description?: string;
  /** The only values; help and completion list them. */
  readonly choices?: readonly string[];
  readonly completes?: Completion;
  /** The value of everything that was given, which is nothing when it was left out. Throws BadValue. */
  readonly read: (texts: readonly string[]) => Value;
}

export interface ArgumentSpec<Value> extends ValueSpec<Value> {
  /** As help shows it; left out, the key of the declaration. */
  readonly name?: string;
  readonly arity: 'one' | 'optional' | 'many';
}

/** An option; its long flag is the key of the declaration in kebab case. */
export interface OptionSpec<Value> extends ValueSpec<Value> {
  readonly description: string;
  /** `-o` */
  readonly short?: string;
  /** `<format>`; left out of a flag. */
  readonly placeholder?: string;
  /** `words`: one flag takes several words. */
  readonly arity?: 'words';
  /** The flag is `--no-<key>`, and the value is true without it. */
  readonly isNegated?: true;
  /** As help shows it. */
  readonly fallback?: string;
  /** Heading in help; left out, the options of the command itself. */
  readonly heading?: string;
}

export interface Arguments {
  readonly [name: string]: ArgumentSpec<unknown>;
}
export interface Options {
  readonly [name: string]: OptionSpec<unknown>;
}

/** The values that `run` gets for declared arguments or options. */
export type Values<Specs> = {
  readonly [Name in keyof Specs]: Specs[Name] extends ValueSpec<infer Value> ? Value : never;
};

/** What the runner offers a command beside its input. */
export interface CommandContext {
  /** Takes Ctrl-C and SIGTERM over from Node until the command ends. */
  interrupts(): Interrupts;
  /** Every command there is, for completion. */
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
  /** Loads what it needs by `import()`, so that other commands and `--help` start without it. */
  run(input: Values<A> & Values<O>, context: CommandContext): Promise<ExitStatus>;
}

/** A command as the frame sees it. */
export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  readonly details?: string;
  readonly arguments: Arguments;
  readonly options: Options;
  /** Commands below this one, which then runs nothing itself. */
  readonly commands: readonly CommandSpec[];
  /** Left out of help and of completion. */
  readonly isHidden?: true;
  run(input: never, context: CommandContext): Promise<ExitStatus>;
}

/** Commands below one heading of `kflow --help`. */
export interface CommandGroup {
  readonly heading: string;
  readonly commands: readonly CommandSpec[];
}

/** Declares a command; the registry has a line for each. The types of `run`'s input follow from arguments and options. */
export function defineCommand<A extends Arguments = Record<never, never>, O extends Options = Record<never, never>>(
  declaration: Declaration<A, O> & { readonly isHidden?: true },
): CommandSpec {
  return { arguments: {}, options: {}, commands: [], ...declaration };
}

/** Declares a command that only holds others, as `kflow bucket` does. */
export function defineFamily(family: Pick<CommandSpec, 'name' | 'summary' | 'commands'>): CommandSpec {
  const run = () => Promise.reject(new Error(`kflow ${family.name} has commands and runs nothing itself`));
  return { arguments: {}, options: {}, ...family, run };
}

/** The long flag of an option: `--nats-url` of `natsUrl`. */
export function flagOf(key: string, { isNegated }: Pick<OptionSpec<unknown>, 'isNegated'>): string {
  const name = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return isNegated ? `--no-${name}` : `--${name}`;
}
