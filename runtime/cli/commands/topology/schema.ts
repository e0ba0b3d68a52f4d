import { defineCommand } from '../../frame/command';
import { ExitStatus } from '../../frame/exit-status';
import { optionalChoice } from '../../frame/values';

export const schema = defineCommand({
  name: 'schema',
  summary: 'print the JSON Schema of topologies, tests, task workers, components or the JSON form of task flows',
  arguments: {
    document: optionalChoice(['topology', 'test', 'worker', 'component', 'task-flow'], {
      description: 'what the schema describes (default: topology)',
    }),
  },
  async run({ document = 'topology' }) {
    const found = await schemaOf(document);
    process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
    return ExitStatus.Done;
  },
});

async function schemaOf(document: 'topology' | 'test' | 'worker' | 'component' | 'task-flow'): Promise<object> {
  if (document === 'task-flow') {
    const { taskFlowJsonSchema } = await import('../../../../lib/tasks/document/task-flow-json-schema.js');
    return taskFlowJsonSchema();
  }
  if (document === 'component') {
    const { componentJsonSchema } = await import('../../../../lib/revisions/document/component-json-schema.js');
    return componentJsonSchema();
  }
  if (document === 'worker') {
    const { workerJsonSchema } = await import('../../../../lib/tasks/worker/worker-json-schema.js');
    return workerJsonSchema();
  }
  const schemas = await import('../../../../lib/topology/document/topology-json-schema.js');
  return document === 'test' ? schemas.testFileJsonSchema() : schemas.topologyJsonSchema();
}
