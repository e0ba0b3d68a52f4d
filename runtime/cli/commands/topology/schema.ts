import { defineCommand } from '../../frame/command';
import { ExitStatus } from '../../frame/exit-status';

export const schema = defineCommand({
  name: 'schema',
  summary: 'print the JSON Schema of topologies, for editors',
  async run() {
    const { topologyJsonSchema } = await import('../../../../lib/topology/document/topology-json-schema.js');
    process.stdout.write(`${JSON.stringify(topologyJsonSchema(), null, 2)}\n`);
    return ExitStatus.Done;
  },
});
