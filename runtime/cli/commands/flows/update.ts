import { defineCommand } from '../../frame/command';
import { changeOptions, controllerDetails, sentFile, setOption } from '../../frame/shared-options';

export const update = defineCommand({
  name: 'update',
  summary: 'update the document of a running flow',
  details: `Without --namespace, the namespace is the document's, else that of the only flow
with its jobId.

${controllerDetails}`,
  arguments: { file: sentFile },
  options: { set: setOption, ...changeOptions },
  async run({ file, ...options }) {
    const { updateDocument } = await import('../../flows/send-documents.js');
    return updateDocument(file, options);
  },
});
