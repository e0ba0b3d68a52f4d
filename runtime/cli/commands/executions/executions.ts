import { defineCommand, defineFamily } from '../../frame/command';
import { acceptedChangeOptions, controllerDetails, readOptions, yesOption } from '../../frame/shared-options';
import {
  argument,
  argumentList,
  durationMs,
  flag,
  jsonValue,
  keyValue,
  listOption,
  option,
  required,
  text,
} from '../../frame/values';
import { conditionOptions, executionArgument, executionList, limitOption, selectionOptions } from './execution-options';

const list = defineCommand({
  name: 'list',
  summary: 'list executions, the newest first',
  details: controllerDetails,
  options: { ...conditionOptions, limit: limitOption, all: flag('of all namespaces', { short: '-A' }), ...readOptions },
  async run(options) {
    return (await import('./list-executions.js')).listExecutions(options);
  },
});

const show = defineCommand({
  name: 'show',
  summary: 'show an execution with its steps, and why they wait',
  details: controllerDetails,
  arguments: { execution: argument(executionArgument) },
  options: {
    watch: flag('watch for changes until it has ended', { short: '-w' }),
    values: flag('show inputs and outputs too'),
    ...readOptions,
  },
  async run(options) {
    return (await import('./show-execution.js')).showExecution(options);
  },
});

const trace = defineCommand({
  name: 'trace',
  summary: 'show everything that happened to an execution and its steps',
  details: controllerDetails,
  arguments: { execution: argument(executionArgument) },
  options: readOptions,
  async run(options) {
    return (await import('./trace-execution.js')).traceExecution(options);
  },
});

const cancel = defineCommand({
  name: 'cancel',
  summary: 'cancel executions: running tasks end, then the finally step runs',
  details: controllerDetails,
  arguments: { executions: executionList },
  options: {
    grace: option('<duration>', 'how long running tasks may take to end (default: 30s)', {
      parse: durationMs({ isZeroFine: true }),
    }),
    ...selectionOptions,
    ...acceptedChangeOptions,
  },
  async run({ grace, ...options }) {
    const { changeExecutions } = await import('./change-executions.js');
    const body = grace === undefined ? {} : { graceSeconds: grace / 1_000 };
    return changeExecutions(options, {
      statuses: ['Pending', 'Running'],
      accepted: 'cancel requested',
      send: (client, key) => client.change(key, 'cancel', body),
    });
  },
});

const terminate = defineCommand({
  name: 'terminate',
  summary: 'end executions at once',
  details: controllerDetails,
  arguments: { executions: executionList },
  options: { ...selectionOptions, ...acceptedChangeOptions },
  async run(options) {
    const { changeExecutions } = await import('./change-executions.js');
    return changeExecutions(options, {
      statuses: ['Pending', 'Running', 'Stopping'],
      accepted: 'terminated',
      send: (client, key) => client.change(key, 'terminate', {}),
    });
  },
});

const resume = defineCommand({
  name: 'resume',
  summary: 'continue failed or stopped executions with the steps that have not succeeded',
  details: controllerDetails,
  arguments: { executions: executionList },
  options: {
    input: option('<json>', 'another input: JSON, or @FILE', { parse: jsonValue }),
    stepInput: listOption('<step=json>', 'another input of a step, as in 3={"n":1}; repeatable', {
      parse: keyValue('STEP=JSON, as in 3={"n":1}'),
    }),
    from: listOption('<step>', 'also run this step and what follows again; repeatable', { parse: text }),
    flow: option('<file>', 'continue with this definition (default: the one it was started with)', { parse: text }),
    ...selectionOptions,
    ...acceptedChangeOptions,
  },
  async run({ input, stepInput, from, flow, ...options }) {
    const { changeExecutions } = await import('./change-executions.js');
    const { resumeBody } = await import('./resume-body.js');
    const body = resumeBody({ input, stepInput, from, flow });
    return changeExecutions(options, {
      statuses: ['Failed', 'Stopped'],
      accepted: 'resumed',
      send: (client, key) => client.change(key, 'resume', body),
    });
  },
});

const remove = defineCommand({
  name: 'delete',
  summary: 'delete executions that have ended',
  details: controllerDetails,
  arguments: { executions: executionList },
  options: { yes: yesOption, ...selectionOptions, ...acceptedChangeOptions },
  async run(options) {
    const { changeExecutions } = await import('./change-executions.js');
    return changeExecutions(options, {
      statuses: ['Stopped', 'Failed', 'Completed'],
      accepted: 'deleted',
      send: (client, key) => client.delete(key),
      question: options.yes ? undefined : 'delete',
    });
  },
});

const archive = defineCommand({
  name: 'archive',
  summary: 'write everything about an execution to stdout, a file or an object',
  details: controllerDetails,
  arguments: { execution: argument(executionArgument) },
  options: {
    save: option('<file>', 'write it into this file', { parse: text }),
    to: option('<uri>', 'write it into the object store of the controller: s3://BUCKET/KEY', { parse: text }),
    ...readOptions,
  },
  async run(options) {
    return (await import('./archive-execution.js')).archiveExecution(options);
  },
});

const restore = defineCommand({
  name: 'restore',
  summary: 'store archived executions, which then are stopped',
  details: controllerDetails,
  arguments: { files: { ...argumentList({ name: 'file', description: 'an archive', parse: text }), arity: 'any' } },
  options: {
    from: listOption('<uri>', 'an archive in the object store of the controller: s3://BUCKET/KEY; repeatable', {
      parse: text,
    }),
    id: option('<id>', 'id of the restored execution (default: that of the archive if it is free)', { parse: text }),
    ...acceptedChangeOptions,
  },
  async run(options) {
    return (await import('./archive-execution.js')).restoreExecutions(options);
  },
});

const approve = defineCommand({
  name: 'approve',
  summary: 'decide on a step that waits for an approval',
  details: controllerDetails,
  arguments: { execution: argument(executionArgument) },
  options: {
    step: option('<step>', 'the step (default: the only one that waits)', { parse: text }),
    reject: flag('reject it'),
    answer: listOption('<field=value>', 'an answer of the form, as JSON or text; repeatable', {
      parse: keyValue('FIELD=VALUE, as in amount=3'),
    }),
    ...acceptedChangeOptions,
  },
  async run(options) {
    return (await import('./approve-step.js')).approveStep(options);
  },
});

const endOptions = {
  result: option('<json>', 'its output: JSON, or @FILE (default: {}; of a wait, its input)', { parse: jsonValue }),
  error: option('<message>', 'it has failed, and is not tried again', { parse: text }),
  ...acceptedChangeOptions,
};

const end = defineCommand({
  name: 'end',
  summary: 'end a running step in place of its worker, or a wait before its time',
  details: controllerDetails,
  arguments: { execution: argument(executionArgument) },
  options: { step: required(option('<step>', 'the step', { parse: text })), ...endOptions },
  async run(options) {
    return (await import('./end-step.js')).endStep(options);
  },
});

/** As `kflow executions end`, by the command line that the first users of task flows know. */
export const endTask = defineCommand({
  name: 'end',
  summary: end.summary,
  isHidden: true,
  arguments: {
    execution: argument(executionArgument),
    name: argument({ description: 'name of the task' }),
    step: argument({ description: 'index of the step' }),
  },
  options: endOptions,
  async run(options) {
    return (await import('./end-step.js')).endStep(options);
  },
});

const schedules = defineCommand({
  name: 'schedules',
  summary: 'list the schedules that start executions',
  details: controllerDetails,
  options: { all: flag('of all namespaces', { short: '-A' }), ...readOptions },
  async run(options) {
    return (await import('./list-schedules.js')).listSchedules(options);
  },
});

const unschedule = defineCommand({
  name: 'unschedule',
  summary: 'remove a schedule; executions that it started are left alone',
  details: controllerDetails,
  arguments: { schedule: argument({ description: 'ID or NAMESPACE/ID' }) },
  options: acceptedChangeOptions,
  async run(options) {
    return (await import('./list-schedules.js')).removeSchedule(options);
  },
});

export const executions = defineFamily({
  name: 'executions',
  summary: 'list, show and change executions of task flows',
  commands: [
    list,
    show,
    trace,
    cancel,
    terminate,
    resume,
    archive,
    restore,
    remove,
    approve,
    end,
    schedules,
    unschedule,
  ],
});

/** The same as `kflow executions show`, by the name that the first users of task flows know. */
export const inspect = { ...show, name: 'inspect', isHidden: true } as const;
