import { defineCommand } from '../../frame/command';
import { usageError } from '../../frame/exit-status';
import { changeOptions, controllerDetails, sentFile, sentFiles, setOption } from '../../frame/shared-options';
import { choiceOption, flag, jsonValue, keyValue, listOption, option, text } from '../../frame/values';

const heading = 'Task flows:';

/** Options of task flows only. */
const taskFlowOptions = {
  input: option('<json>', 'input of the execution: JSON, or @FILE (default: {})', { parse: jsonValue, heading }),
  id: option('<id>', 'id of the execution (default: a new one); of a schedule, its name', { parse: text, heading }),
  attribute: listOption('<name=value>', 'attribute to find the execution by; repeatable', {
    parse: keyValue('NAME=VALUE, as in customer=eva'),
    heading,
  }),
  schedule: option('<cron>', 'start executions at these times, as in "0 6 * * *"', { parse: text, heading }),
  overlap: choiceOption(['skip', 'queue', 'cancel'], 'while the one before runs: start none, wait, or cancel it', {
    placeholder: '<policy>',
    heading,
  }),
  timezone: option('<name>', 'of the schedule, as in Europe/Berlin (default: UTC)', { parse: text, heading }),
} as const;

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

export const submit = defineCommand({
  name: 'submit',
  summary: 'start flows, or resume stopped ones; start an execution of a task flow',
  details: `A FILE.flow is a task flow: kflow submit starts an execution of it, or attaches to
the one with the same --id. With --wait, the exit status is 0 only if it
completed, and stdout has its output.

Submitting the document that a flow runs with changes nothing. A flow that runs
with another document is changed only with --update. Without --namespace, the
namespace is that of the document, or default if the document has none.

${controllerDetails}`,
  arguments: { files: sentFiles },
  options: {
    set: setOption,
    update: flag('update flows that run with another document'),
    ...taskFlowOptions,
    ...changeOptions,
  },
  async run({ files, update, set, input, id, attribute, schedule, overlap, timezone, ...common }) {
    const flow = { input, id, attribute, schedule, overlap, timezone };
    const options = { ...common, set };
    const { isTaskFlow } = await import('../../documents/load-task-flow.js');
    if (files.some(isTaskFlow)) {
      const [file = '', ...others] = files;
      if (others.length > 0) throw usageError('want one task flow, or topologies');
      if (update || set.length > 0)
        throw usageError(`--${update ? 'update' : 'set'} is for topologies; ${file} is a task flow`);
      const { submitTaskFlow } = await import('../executions/submit-task-flow.js');
      return submitTaskFlow(file, { ...flow, ...common });
    }
    const wrong = Object.entries(flow).find(([, value]) => value !== undefined && !isEmpty(value));
    if (wrong !== undefined) throw usageError(`--${wrong[0]} is for task flows, which are files named *.flow`);
    const { submitDocuments } = await import('./send-documents.js');
    return submitDocuments(files, { ...options, isUpdate: update });
  },
});

export const update = defineCommand({
  name: 'update',
  summary: 'update the document of a running flow',
  details: `Without --namespace, the namespace is that of the document or, if the document
has none, that of the only flow with its jobId.

${controllerDetails}`,
  arguments: { file: sentFile },
  options: { set: setOption, ...changeOptions },
  async run({ file, ...options }) {
    const { updateDocument } = await import('./send-documents.js');
    return updateDocument(file, options);
  },
});
