import { type ArgumentSpec, type CommandGroup, type CommandSpec, flagOf, type OptionSpec } from '../../frame/command';

/** A word that may stand at the cursor. */
export interface Candidate {
  readonly value: string;
  readonly description?: string;
}

/** Names that only a controller knows; empty when no controller responds. */
export interface KnownNames {
  jobs(): Promise<readonly string[]>;
  functions(job: string): Promise<readonly string[]>;
  namespaces(): Promise<readonly string[]>;
  executions(): Promise<readonly string[]>;
}

/** Candidates for the last of the words after `kflow`; none for a file, a number or free text. */
export async function candidates(
  groups: readonly CommandGroup[],
  words: readonly string[],
  names: KnownNames,
): Promise<readonly Candidate[]> {
  // bash splits --output=json at the equals sign
  const joined = words.filter((word) => word !== '=');
  const current = words.at(-1) === '=' ? '' : (joined.at(-1) ?? '');
  const before = words.at(-1) === '=' ? joined : joined.slice(0, -1);
  const found = await allCandidates(groups, { current, before, names });
  return found.filter(({ value }) => value.startsWith(current));
}

interface Line {
  readonly current: string;
  readonly before: readonly string[];
  readonly names: KnownNames;
}

async function allCandidates(
  groups: readonly CommandGroup[],
  { current, before, names }: Line,
): Promise<readonly Candidate[]> {
  const { command, commands, rest } = descend(
    groups.flatMap((group) => group.commands),
    before,
  );
  const flags = command === undefined ? [] : flagsOf(command);
  const { open, operands } = split(flags, rest);
  if (open !== undefined) return valuesOf(open, operands, names);
  const [, head = '', value] = /^(--[^=]+=)?(.*)$/s.exec(current) ?? [];
  const written = flags.find((each) => head !== '' && each.long === head.slice(0, -1));
  if (written !== undefined && value !== undefined) {
    const values = await valuesOf(written.spec, operands, names);
    return values.map((each) => ({ ...each, value: head + each.value }));
  }
  if (current.startsWith('-')) {
    const help = { value: '--help', description: 'print the help of the command' };
    return [...flags.map(({ long, spec }) => ({ value: long, description: spec.description })), help];
  }
  if (commands.length > 0) return operands.length > 0 ? [] : visible(commands);
  return command === undefined ? [] : valuesOf(argumentAt(command, operands.length), operands, names);
}

interface Place {
  /** Undefined before the first command. */
  readonly command?: CommandSpec;
  /** Commands that may follow. */
  readonly commands: readonly CommandSpec[];
  /** The words after the command. */
  readonly rest: readonly string[];
}

/** The command that the words name. */
function descend(commands: readonly CommandSpec[], words: readonly string[], command?: CommandSpec): Place {
  const [first, ...rest] = words;
  const inner = commands.find(({ name }) => name === first);
  return inner === undefined ? { command, commands, rest: words } : descend(inner.commands, rest, inner);
}

interface Flag {
  readonly long: string;
  readonly spec: OptionSpec<unknown>;
}

function flagsOf({ options }: CommandSpec): readonly Flag[] {
  return Object.entries(options).map(([key, spec]) => ({ long: flagOf(key, spec), spec }));
}

interface SplitWords {
  /** The option whose value is being completed. */
  readonly open?: OptionSpec<unknown>;
  /** Words that are not options or their values. */
  readonly operands: readonly string[];
}

function split(flags: readonly Flag[], words: readonly string[]): SplitWords {
  const operands: string[] = [];
  let open: OptionSpec<unknown> | undefined;
  for (const word of words) {
    if (word.startsWith('-')) {
      const spec = flags.find(({ long, spec: { short } }) => word === long || word === short)?.spec;
      open = spec?.placeholder === undefined ? undefined : spec;
      continue;
    }
    if (open === undefined) operands.push(word);
    if (open?.arity !== 'words') open = undefined;
  }
  return { operands, ...(open === undefined ? {} : { open }) };
}

function visible(commands: readonly CommandSpec[]): readonly Candidate[] {
  return commands
    .filter(({ isHidden }) => isHidden !== true)
    .map(({ name, summary }) => ({ value: name, description: summary }));
}

function argumentAt(command: CommandSpec, index: number): ArgumentSpec<unknown> | undefined {
  const known = Object.values(command.arguments);
  const last = known.at(-1);
  return known[index] ?? (last?.arity === 'many' || last?.arity === 'any' ? last : undefined);
}

async function valuesOf(
  spec: ArgumentSpec<unknown> | OptionSpec<unknown> | undefined,
  operands: readonly string[],
  names: KnownNames,
): Promise<readonly Candidate[]> {
  if (spec?.choices !== undefined) return plain(spec.choices);
  const [job] = operands;
  const functions = async () => (job === undefined ? [] : names.functions(job));
  switch (spec?.completes) {
    case 'flow':
      return plain(await names.jobs());
    case 'function':
      return plain(await functions());
    case 'replicas':
      return plain((await functions()).map((name) => `${name}=`));
    case 'execution':
      return plain(await names.executions());
    case 'namespace':
      return plain(await names.namespaces());
    case undefined:
      return [];
  }
}

function plain(values: readonly string[]): readonly Candidate[] {
  return values.map((value) => ({ value }));
}
