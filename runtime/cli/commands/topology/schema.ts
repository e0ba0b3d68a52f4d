import { defineCommand } from '../../frame/command';
import { ExitStatus } from '../../frame/exit-status';
import { optionalChoice } from '../../frame/values';

export const schema = defineCommand({
  name: 'schema',
  summary: 'print the JSON Schema of topologies or of tests, for editors',
  arguments: {
    document: optionalChoice(['topology', 'test'], { description: 'what the schema describes (default: topology)' }),
  },
  async run({ document = 'topology' }) {
    const schemas = await import('../../../../lib/topology/document/topology-json-schema.js');
    const found = document === 'test' ? schemas.testFileJsonSchema() : schemas.topologyJsonSchema();
    process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
    return ExitStatus.Done;
  },
});
