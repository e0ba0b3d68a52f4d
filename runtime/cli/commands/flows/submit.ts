import { defineCommand } from '../../frame/command';
import { changeOptions, controllerDetails, sentFile, sentFiles, setOption } from '../../frame/shared-options';
import { flag } from '../../frame/values';

export const submit = defineCommand({
  name: 'submit',
  summary: 'start flows, or resume stopped ones',
  details: `Submitting the document that a flow runs with changes nothing. A flow that runs
with another document is changed only with --update. Without --namespace, the
namespace is that of the document, or default if the document has none.

${controllerDetails}`,
  arguments: { files: sentFiles },
  options: {
    set: setOption,
    update: flag('update flows that run with another document'),
    ...changeOptions,
  },
  async run({ files, update, ...options }) {
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
