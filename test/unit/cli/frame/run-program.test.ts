import { ConfigError, KFlowError, StateError, StoreError } from '../../../../lib/errors';
import { ObjectStoreError } from '../../../../runtime/adapters/s3/object-store-error';
import { defineCommand, defineFamily } from '../../../../runtime/cli/frame/command';
import { CommandError, ExitStatus } from '../../../../runtime/cli/frame/exit-status';
import { runProgram } from '../../../../runtime/cli/frame/run-program';
import {
  argument,
  argumentList,
  choiceOption,
  durationMs,
  flag,
  functionReplicas,
  listOption,
  negatedFlag,
  option,
  optionalArgument,
  port,
  required,
  text,
  withDefault,
} from '../../../../runtime/cli/frame/values';

/** Input of the last command that ran. */
let input: unknown;
/** Thrown by the command `fail`. */
let failure: unknown;

const take = defineCommand({
  name: 'take',
  summary: 'take everything',
  arguments: { job: argument({}), counts: argumentList({ name: 'function=n', parse: functionReplicas }) },
  options: {
    apiPort: option('<port>', 'port', { parse: port, short: '-p' }),
    timeout: option('<duration>', 'time', { parse: durationMs() }),
    set: listOption('<path=value>', 'field', { parse: text }),
    function: listOption('<id>', 'functions', { parse: text, arity: 'words' }),
    format: withDefault(choiceOption(['text', 'json'], 'format', { placeholder: '<format>' }), 'text'),
    embedded: negatedFlag('no servers'),
    yes: flag('yes', { short: '-y' }),
  },
  async run(given) {
    input = given;
    return ExitStatus.Done;
  },
});
const need = defineCommand({
  name: 'need',
  summary: 'need an option',
  arguments: { job: optionalArgument({}) },
  options: { from: required(option('<start>', 'start', { parse: text })) },
  run: async () => ExitStatus.Differs,
});
const fail = defineCommand({
  name: 'fail',
  summary: 'fail',
  run: () => Promise.reject(failure),
});
const groups = [
  { heading: 'All:', commands: [take, fail, defineFamily({ name: 'box', summary: 'box', commands: [need] })] },
];

async function ran(...words: string[]) {
  let out = '';
  let err = '';
  const terminal = {
    writeOut: (part: string) => {
      out += part;
    },
    writeErr: (part: string) => {
      err += part;
    },
  };
  const status = await runProgram(groups, words, terminal);
  return { status, out, err };
}

test('gives a command the values of its arguments and options', async () => {
  const words = ['--set', 'a=1', '--set', 'b=2', '-p', '80', '--timeout', '1.5m', '--no-embedded', '--format', 'json'];
  expect(await ran('take', 'jobx', 'map=3', 'sink=1', ...words, '--function', 'a', 'b', '-y')).toEqual({
    status: 0,
    out: '',
    err: '',
  });
  expect(input).toEqual({
    job: 'jobx',
    counts: [
      ['map', 3],
      ['sink', 1],
    ],
    apiPort: 80,
    timeout: 90_000,
    set: ['a=1', 'b=2'],
    function: ['a', 'b'],
    format: 'json',
    embedded: false,
    yes: true,
  });
});

test('exits with the status that the command returns', async () => {
  expect(await ran('box', 'need', '--from', 'first')).toEqual({ status: ExitStatus.Differs, out: '', err: '' });
});

test('gives a command the defaults of what is left out', async () => {
  await ran('take', 'jobx', 'map=3');
  expect(input).toMatchObject({ set: [], function: [], format: 'text', embedded: true, yes: false });
  expect(input).toHaveProperty('apiPort', undefined);
});

test.each([
  [['tke'], 'unknown command "tke"; did you mean "take"?', 'kflow'],
  [['take', 'jobx', 'map=3', '--fromat', 'json'], 'unknown option "--fromat"; did you mean "--format"?', 'kflow take'],
  [['--nonsense'], 'unknown option "--nonsense"', 'kflow'],
  [['take', 'jobx'], 'missing required argument "function=n"', 'kflow take'],
  [['take', 'jobx', 'map'], 'function=n: want FUNCTION=N, as in map=3, got "map"', 'kflow take'],
  [['take', 'jobx', 'map=1', '-p', '0'], '--api-port: want a port from 1 to 65535, got "0"', 'kflow take'],
  [['take', 'jobx', 'map=1', '--format', 'xml'], '--format: want text or json, got "xml"', 'kflow take'],
  [['help', 'tke'], 'unknown command "tke"', 'kflow'],
  [['box', 'need'], '--from is required', 'kflow box need'],
  [['box', 'nede'], 'unknown command "nede"; did you mean "need"?', 'kflow box'],
  [['fail', 'more'], 'too many arguments: want 0, got 1', 'kflow fail'],
])('rejects %j on one line, says how to get help, and exits with 64', async (words, message, command) => {
  const { status, out, err } = await ran(...words);
  expect([status, out, err]).toEqual([64, '', `kflow: ${message}\nrun ${command} --help for usage\n`]);
});

test.each([[[]], [['box']]])('prints the help of %j, which names no command, and exits with 64', async (words) => {
  const { status, out, err } = await ran(...words);
  expect([status, out]).toEqual([64, '']);
  expect(err).toContain('Usage: kflow');
});

test.each([[['--help']], [['help']], [['take', '--help']], [['--version']]])('%j exits with 0', async (words) => {
  const { status, err } = await ran(...words);
  expect([status, err]).toEqual([0, '']);
});

test('the help lists every exit status, and the help of a command its defaults', async () => {
  expect((await ran('--help')).out).toMatch(/Exit statuses:\n {2}0 +done\n {2}1 +[\s\S]*\n {2}64 +wrong usage/);
  expect((await ran('take', '--help')).out).toContain('format (text, json; default: text)');
});

test.each([
  [new ConfigError('config-invalid', 'no room'), 1],
  [new KFlowError('server-failed', 'no room'), 3],
  [new ConfigError('login-failed', 'no room'), 3],
  [new StoreError('stream-failed', 'no room'), 3],
  [new KFlowError('flow-missing', 'no room'), 4],
  [new StateError('revision-missing', 'no room'), 4],
  [new CommandError(ExitStatus.TimedOut, 'state-invalid', 'no room'), 5],
])('reports the error %p by its message, and exits with %p', async (error, expected) => {
  failure = error;
  expect(await ran('fail')).toEqual({ status: expected, out: '', err: 'kflow: no room\n' });
});

test('reports an unexpected error with its stack', async () => {
  failure = new TypeError('undefined is not a function');
  const { status, err } = await ran('fail');
  expect(status).toBe(1);
  expect(err).toMatch(/^kflow: TypeError: undefined is not a function\n {4}at /);
});

test.each([
  ['unavailable', 3],
  ['access-denied', 3],
  ['bucket-missing', 1],
] as const)('an object store that is %s is the exit status %p', async (reason, expected) => {
  failure = new ObjectStoreError(reason, { address: 'http://s3', verb: 'list', bucket: 'in' }, { text: reason });
  expect((await ran('fail')).status).toBe(expected);
});
