import { type Command, InvalidArgumentError, Option } from 'commander';
import { ExitStatus } from '../../exit-status';
import { outputFormats } from '../../render/output-format';
import { addCompletionCommands } from '../completion/commands';
import { performed } from './performed';

const help = `
Exit status: 0 done; 1 refused or failed; 2 wrong usage (of diff: something
differs); 3 no controller answers; 4 no such flow; 5 the time to wait was up.

The controller is that of --url or KFLOW_URL, else of the stack that kflow up
started here or in a folder above, else http://127.0.0.1:9080. A token comes
from --token, KFLOW_TOKEN or the file KFLOW_TOKEN_FILE.`;

const optionsOfAll = 'Options of every command of flows:';

const fileHelp = 'topology: YAML, JSON or a program that exports a flow; - is stdin';
const jobHelp = 'JOB or NAMESPACE/JOB';

/** The commands of flows, over the REST API of a controller; each is loaded when it is called. */
export function addFlowCommands(program: Command): void {
  program.commandsGroup('Flows of a controller:');
  addDocumentCommands(program);
  addLookCommands(program);
  addChangeCommands(program);
  addHistoryCommands(program);
  addCompletionCommands(program);
}

function addDocumentCommands(program: Command): void {
  const submit = program
    .command('submit')
    .description('start flows, go on with stopped ones, or find that nothing is to do')
    .argument('<file...>', fileHelp)
    .option('--set <path=value>', 'change a field first, as in mode=batch', collect, [])
    .option('--update', 'where a flow runs with another document, update it')
    .action((files, options) => performed(async () => (await import('./submit.js')).submit(files, options)));
  changing(submit, "of the flow; left out: the document's, else default");

  const update = program
    .command('update')
    .description('change a flow that runs: only what updates may change')
    .argument('<file>', fileHelp)
    .option('--set <path=value>', 'change a field first', collect, [])
    .action((file, options) => performed(async () => (await import('./submit.js')).update(file, options)));
  changing(update, "of the flow; left out: the document's, else the only one that has it");
}

function addLookCommands(program: Command): void {
  const status = program
    .command('status')
    .description('how flows are, or one flow and its functions')
    .argument('[job]', jobHelp)
    .option('-w, --watch', 'go on: redrawn on a terminal, elsewhere the lines that change')
    .option('-a, --all', 'those that have come to their end too')
    .action((job, options) => performed(async () => (await import('./status.js')).status(job, options)));
  shared(status);

  const logs = program
    .command('logs')
    .description('what the replicas of a flow have written')
    .argument('<job>', jobHelp)
    .argument('[function]', 'of this function alone')
    .option('-f, --follow', 'go on until the replicas are gone')
    .option('--tail <lines>', 'only the last lines of each replica', wholeNumber(0))
    .action((job, name, options) => performed(async () => (await import('./logs.js')).logs(job, name, options)));
  shared(logs);

  const events = program
    .command('events')
    .description('what happened to a flow, or to all: who asked for what, and what came of it')
    .argument('[job]', jobHelp)
    .option('-f, --follow', 'go on with those to come')
    .option('--tail <events>', 'only the last ones', wholeNumber(1))
    .action((job, options) => performed(async () => (await import('./events.js')).events(job, options)));
  shared(events);
}

function addChangeCommands(program: Command): void {
  const load = () => import('./change.js');
  const ofFunctions = (name: 'pause' | 'resume' | 'restart', description: string) => {
    const command = ofFlow(program, name, description)
      .option('--function <id...>', 'only these functions')
      .action((job, options) => performed(async () => (await load())[name](job, options)));
    changing(command);
  };
  ofFunctions('pause', 'finish what is in work and take no more; nothing is lost');
  ofFunctions('resume', 'go on after a pause');
  ofFunctions('restart', 'start replicas anew');

  const stop = ofFlow(program, 'stop', 'remove what runs and keep streams and offsets: submit goes on from there');
  changing(stop.action((job, options) => performed(async () => (await load()).stop(job, options))));

  const remove = ofFlow(program, 'delete', 'remove a flow with its data')
    .option('--force', 'at once, and a stopped flow too')
    .option('-y, --yes', 'do not ask')
    .action((job, options) => performed(async () => (await load()).remove(job, options)));
  changing(remove);

  const scale = ofFlow(program, 'scale', 'change numbers of replicas')
    .argument('<function=n...>', 'as in map=3')
    .action((job, counts, options) => performed(async () => (await load()).scale(job, counts, options)));
  changing(scale);

  const replay = ofFlow(program, 'replay', 'have one function read kept records again')
    .requiredOption('--function <id>', 'the function')
    .requiredOption('--from <start>', 'first, a sequence of its input stream, or a time (2026-01-31T08:00:00Z)')
    .action((job, options) => performed(async () => (await load()).replay(job, options)));
  changing(replay);
}

function addHistoryCommands(program: Command): void {
  const history = ofFlow(program, 'history', 'the documents that a flow has had')
    .option('--revision <n>', 'print the document of this one', wholeNumber(1))
    .action((job, options) => performed(async () => (await import('./history.js')).history(job, options)));
  shared(history);

  const rollback = ofFlow(program, 'rollback', 'go back to a document that the flow has had')
    .option('--to <n>', 'revision; left out: the one before', wholeNumber(1))
    .action((job, options) => performed(async () => (await import('./change.js')).rollback(job, options)));
  changing(rollback);

  const diff = ofFlow(program, 'diff', 'what differs between two revisions, or what a submit of a file would change')
    .argument('[file]', fileHelp)
    .option('--from <n>', 'revision; left out: the one before', wholeNumber(1))
    .option('--to <n>', 'revision; left out: the last one', wholeNumber(1))
    .option('--set <path=value>', 'change a field of the file first', collect, [])
    .action((job, file, options) => performed(async () => (await import('./diff.js')).diff(job, file, options)));
  shared(diff);
}

function ofFlow(program: Command, name: string, description: string): Command {
  return program.command(name).description(description).argument('<job>', jobHelp);
}

/** Adds the options that all have; `whichNamespace` says what is taken when none is named. Wrong usage ends with its own exit status. */
function shared(command: Command, whichNamespace = 'of the flow; left out: the only one that has it, else default') {
  const options = [
    new Option('-n, --namespace <namespace>', whichNamespace),
    new Option('-o, --output <format>', 'form of the output').choices(outputFormats).default('table'),
    new Option('--url <url>', 'address of the controller'),
    new Option('--token <token>', 'bearer token'),
  ];
  for (const option of options) command.addOption(option.helpGroup(optionsOfAll));
  command
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? ExitStatus.done : ExitStatus.usage))
    .addHelpText('after', help);
}

/** Adds the options of all, and those of a command that changes a flow, and can wait for the end of that. */
function changing(command: Command, whichNamespace?: string): void {
  command
    .option('--comment <text>', 'why, for the audit log')
    .option('--wait', 'until it has come to its end, and say what holds it up')
    .option('--timeout <seconds>', 'wait no longer (default: 300; for a batch to complete: no limit)', seconds);
  shared(command, whichNamespace);
}

function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

function wholeNumber(least: number): (value: string) => number {
  return (value) => {
    if (!/^\d+$/.test(value) || Number(value) < least) {
      throw new InvalidArgumentError(`It has to be a number, ${least} or more.`);
    }
    return Number(value);
  };
}

function seconds(value: string): number {
  if (!(Number(value) > 0)) throw new InvalidArgumentError('It has to be a number above 0.');
  return Number(value);
}
