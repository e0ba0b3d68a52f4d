import type { Argument, Command, Option } from 'commander';

/** What may stand at the cursor. */
export interface Candidate {
  readonly value: string;
  readonly description?: string;
}

/** Names that only a controller knows; none of it when there is nobody to ask. */
export interface KnownNames {
  jobs(): Promise<readonly string[]>;
  functions(job: string): Promise<readonly string[]>;
  namespaces(): Promise<readonly string[]>;
}

/** Candidates for the last of the words after `kflow`; none where it is a file, a number or free text. */
export async function candidates(
  program: Command,
  words: readonly string[],
  names: KnownNames,
): Promise<readonly Candidate[]> {
  // bash takes --output=json apart at the equals sign
  const joined = words.filter((word) => word !== '=');
  const current = words.at(-1) === '=' ? '' : (joined.at(-1) ?? '');
  const before = words.at(-1) === '=' ? joined : joined.slice(0, -1);
  const found = await all(program, { current, before, names });
  return found.filter(({ value }) => value.startsWith(current));
}

interface Line {
  readonly current: string;
  readonly before: readonly string[];
  readonly names: KnownNames;
}

async function all(program: Command, { current, before, names }: Line): Promise<readonly Candidate[]> {
  const { command, rest } = descend(program, before);
  const { open, operands } = split(command, rest);
  if (open !== undefined) return valuesOfOption(open, operands, names);
  const [, head = '', value] = /^(--[^=]+=)?(.*)$/s.exec(current) ?? [];
  const written = optionOf(command, head.slice(0, -1));
  if (written !== undefined && value !== undefined) {
    const values = await valuesOfOption(written, operands, names);
    return values.map((each) => ({ ...each, value: head + each.value }));
  }
  if (current.startsWith('-')) return optionsOf(command);
  const subcommands = subcommandsOf(command);
  if (subcommands.length > 0) return subcommands;
  return valuesOfArgument(argumentAt(command, operands.length), operands, names);
}

/** The command that the words name, and the words after it. */
function descend(
  program: Command,
  words: readonly string[],
): { readonly command: Command; readonly rest: readonly string[] } {
  const [first, ...rest] = words;
  const inner = program.commands.find((each) => each.name() === first);
  return inner === undefined ? { command: program, rest: words } : descend(inner, rest);
}

/** The option that still waits for its value, and the words that belong to none. */
function split(
  command: Command,
  words: readonly string[],
): { readonly open?: Option; readonly operands: readonly string[] } {
  const operands: string[] = [];
  let open: Option | undefined;
  for (const word of words) {
    if (word.startsWith('-')) {
      const option = optionOf(command, word);
      open = option?.required ? option : undefined;
      continue;
    }
    if (open === undefined) operands.push(word);
    if (open?.variadic !== true) open = undefined;
  }
  return { operands, ...(open === undefined ? {} : { open }) };
}

function optionOf(command: Command, word: string): Option | undefined {
  return command.options.find(({ long, short }) => word !== '' && (word === long || word === short));
}

function optionsOf(command: Command): readonly Candidate[] {
  const own = command.options.filter(({ hidden }) => !hidden);
  const listed = own.flatMap(({ long, description }) => (long ? [{ value: long, description }] : []));
  return [...listed, { value: '--help', description: 'what the command does' }];
}

function subcommandsOf(command: Command): readonly Candidate[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((each) => ({ value: each.name(), description: each.description() }));
}

function argumentAt(command: Command, index: number): Argument | undefined {
  const { registeredArguments: known } = command;
  const last = known.at(-1);
  return known[index] ?? (last?.variadic ? last : undefined);
}

async function valuesOfOption(option: Option, operands: readonly string[], names: KnownNames) {
  if (option.argChoices !== undefined) return plain(option.argChoices);
  if (option.long === '--namespace') return plain(await names.namespaces());
  const [job] = operands;
  return option.long === '--function' && job !== undefined ? plain(await names.functions(job)) : [];
}

async function valuesOfArgument(argument: Argument | undefined, operands: readonly string[], names: KnownNames) {
  if (argument?.argChoices !== undefined) return plain(argument.argChoices);
  const [job] = operands;
  switch (argument?.name()) {
    case 'job':
      return plain(await names.jobs());
    case 'function':
      return job === undefined ? [] : plain(await names.functions(job));
    case 'function=n':
      return job === undefined ? [] : plain((await names.functions(job)).map((name) => `${name}=`));
    default:
      return [];
  }
}

function plain(values: readonly string[]): readonly Candidate[] {
  return values.map((value) => ({ value }));
}
