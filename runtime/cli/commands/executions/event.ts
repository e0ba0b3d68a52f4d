import { defineCommand } from '../../frame/command';
import { acceptedChangeOptions, controllerDetails, readOptions } from '../../frame/shared-options';
import { argument, flag, jsonValue, option, optionalArgument, text, wholeNumber } from '../../frame/values';

export const event = defineCommand({
  name: 'event',
  summary: 'publish an event that steps of executions wait for',
  details: controllerDetails,
  arguments: { kind: argument({ description: 'the kind that wait:event names' }) },
  options: {
    data: option('<json>', 'what is matched with the input of steps: JSON, or @FILE', { parse: jsonValue }),
    result: option('<json>', 'output of the steps that the event ends: JSON, or @FILE', { parse: jsonValue }),
    id: option('<id>', 'a repeated event with the same id has no effect', { parse: text }),
    ...acceptedChangeOptions,
  },
  async run(options) {
    return (await import('./publish-event.js')).publishEvent(options);
  },
});

export const receipts = defineCommand({
  name: 'receipts',
  summary: 'show the events for executions, and which steps have processed them',
  details: controllerDetails,
  arguments: { kind: optionalArgument({ description: 'only events of this kind' }) },
  options: {
    follow: flag('follow new events and receipts', { short: '-f' }),
    tail: option('<events>', 'only the last events', { parse: wholeNumber(1) }),
    ...readOptions,
  },
  async run(options) {
    return (await import('./publish-event.js')).showReceipts(options);
  },
});

export const workers = defineCommand({
  name: 'workers',
  summary: 'list the live task workers with their tasks',
  details: controllerDetails,
  options: readOptions,
  async run(options) {
    return (await import('./list-workers.js')).listWorkers(options);
  },
});
