import { defineCommand } from '../../frame/command';
import { changeOptions, controllerDetails, sentFiles, setOption } from '../../frame/shared-options';
import { flag } from '../../frame/values';

export const submit = defineCommand({
  name: 'submit',
  summary: 'start flows, or start stopped ones again',
  details: `A flow that runs with the same document does not change. A flow that runs with
another document changes only with --update. Without --namespace, the namespace
is the document's, else default.

${controllerDetails}`,
  arguments: { files: sentFiles },
  options: {
    set: setOption,
    update: flag('update flows that run with another document'),
    ...changeOptions,
  },
  async run({ files, update, ...options }) {
    const { submitDocuments } = await import('../../flows/send-documents.js');
    return submitDocuments(files, { ...options, isUpdate: update });
  },
});
