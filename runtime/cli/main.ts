#!/usr/bin/env node
import { Command, Help, InvalidArgumentError, type Option } from 'commander';
import { KFlowError } from '../../lib/errors';
import { packageVersion } from '../package-root';
import { addFlowCommands } from './commands/flows/commands';
import { addStackCommands } from './commands/stack/commands';
import { ExitStatus } from './exit-status';

const program = new Command('kflow')
  .description('Dataflow on Kubernetes as code: check, draw, render and run topologies.')
  .version(packageVersion)
  .showHelpAfterError('(kflow --help lists the commands)')
  .configureHelp({ optionDescription, subcommandTerm });

program.commandsGroup('Topologies:');
program
  .command('lint')
  .description('check topologies; exit status 1 when any of them has an error')
  .argument('<file...>', 'topologies (YAML, JSON or a program that exports a flow), or directories of them')
  .option('--set <path=value>', 'change a field first, as in mode=batch or dag.map.parallelism=3', collect, [])
  .option('--format <format>', 'text or json', oneOf('text', 'json'), 'text')
  .action(async (files: string[], options) =>
    exit(async () => (await import('./commands/topology/lint.js')).lint(files, options)),
  );

program
  .command('schema')
  .description('print the JSON Schema of topologies, for editors')
  .action(() => exit(async () => (await import('./commands/topology/schema.js')).schema()));

program
  .command('graph')
  .description('print a topology as a Mermaid flowchart')
  .argument('<file>', 'topology: YAML, JSON or a program that exports a flow')
  .option('--set <path=value>', 'change a field first', collect, [])
  .action(async (file: string, options) =>
    exit(async () => (await import('./commands/topology/graph.js')).graph(file, options)),
  );

program
  .command('run')
  .description('run a topology on this machine, in the foreground')
  .argument('<file>', 'topology: YAML, JSON or a program that exports a flow')
  .option('--set <path=value>', 'change a field first, as in mode=batch or dag.map.parallelism=3', collect, [])
  .option('--bucket <name=dir>', 'fill a bucket from a directory before the flow starts', collect, [])
  .option('--save <name=dir>', 'copy a bucket into a directory when the flow has ended', collect, [])
  .option('--keep', 'keep streams, state and buckets below .kflow/: the next run goes on from there')
  .option('--timeout <seconds>', 'end the flow after this long', positiveNumber)
  .option('--no-embedded', 'use the addresses of the topology (nats: KFLOW_NATS_URL) in place of servers started here')
  .action(async (file: string, options) =>
    exit(async () => (await import('./commands/run/run.js')).run(file, options)),
  );

const manifests = (name: string, description: string) =>
  program
    .command(name)
    .description(description)
    .argument('<file...>', 'topologies: YAML, JSON or programs that export a flow')
    .option('--set <path=value>', 'change a field first', collect, [])
    .option('--image <image>', 'image of the runtime, for functions that name none (default: kflow:latest)')
    .option('--nats-url <url>', 'address of nats as the pods see it (default: nats://nats.nats.svc:4222)')
    .option('--strict-secrets', 'refuse a topology that holds the value of a secret');

manifests('synth', 'write Kubernetes manifests, for GitOps; nothing is written when a topology has an error')
  .option('-o, --output <dir>', 'folder of the manifests', 'dist/manifests')
  .action(async (files: string[], options) => {
    await exit(async () => (await import('./commands/manifests/synth.js')).synth(files, options));
  });

manifests('plan', 'show what would change; exit status 2 when something would')
  .option('--against <dir|cluster>', 'a folder of manifests, or the cluster of the kubeconfig', 'dist/manifests')
  .option('--context <name>', 'context of the kubeconfig; left out: the current one')
  .action(async (files: string[], options) => {
    await exit(async () => (await import('./commands/manifests/plan.js')).plan(files, options));
  });

addStackCommands(program, exit);

addFlowCommands(program);
program.helpCommand(true); // in the group of the commands before it
// of what is no command; each command has its own
program.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? ExitStatus.done : ExitStatus.usage));

for (const command of program.commands) {
  command.showHelpAfterError(`(kflow ${command.name()} --help says more)`);
}

/** What an option that gathers values has when it is not given needs no words. */
function optionDescription(option: Option): string {
  return Array.isArray(option.defaultValue) ? option.description : new Help().optionDescription(option);
}

/** In the list of commands there is no room for what nearly all of them have. */
function subcommandTerm(command: Command): string {
  return new Help().subcommandTerm(command).replace(' [options]', '');
}

/** Repeatable options gather their values. */
function collect(value: string, previous: string[]): string[] {
  return [...previous, value];
}

function positiveNumber(value: string): number {
  const number = Number(value);
  if (!(number > 0)) throw new InvalidArgumentError('It has to be a number above 0.');
  return number;
}

function oneOf(...allowed: string[]): (value: string) => string {
  return (value) => {
    if (!allowed.includes(value)) throw new InvalidArgumentError(`It has to be ${allowed.join(' or ')}.`);
    return value;
  };
}

/** A command gives its exit status; what it throws on purpose is said in its own words, anything else with its stack. */
async function exit(command: () => Promise<number> | number): Promise<void> {
  try {
    process.exitCode = await command();
  } catch (error) {
    const text = error instanceof KFlowError ? error.message : String((error as Error).stack ?? error);
    process.stderr.write(`kflow: ${text}\n`);
    process.exitCode = 1;
  }
}

// what reads our output may have seen enough; the command goes on to its own end
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

void program.parseAsync();
