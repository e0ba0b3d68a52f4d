import { choiceOption, flag, instant, listOption, option, text, wholeNumber, withDefault } from '../../frame/values';

export const executionArgument = {
  name: 'execution',
  description: 'ID or NAMESPACE/ID',
  completes: 'execution',
} as const;

/** Zero or more executions. */
export const executionList = { ...executionArgument, arity: 'any', read: (texts: readonly string[]) => texts } as const;

const heading = 'Which executions:';

/** What executions are chosen by; all conditions must hold. */
export const conditionOptions = {
  name: option('<name>', 'of the task flow with this name', { parse: text, heading }),
  status: choiceOption(['Pending', 'Running', 'Stopping', 'Stopped', 'Failed', 'Completed'], 'in this status', {
    placeholder: '<status>',
    heading,
  }),
  since: option('<time>', 'started since then: 2026-01-31T08:00:00Z, or as long ago as 2h', {
    parse: instant,
    heading,
  }),
  until: option('<time>', 'started until then', { parse: instant, heading }),
  attribute: listOption('<name=value>', 'with this attribute; repeatable', { parse: text, heading }),
} as const;

/** The same for commands that change them. */
export const selectionOptions = {
  ...conditionOptions,
  dryRun: flag('only list the executions'),
} as const;

export const limitOption = withDefault(option('<number>', 'how many', { parse: wholeNumber(1) }), 50);
