import { readFileSync } from 'node:fs';
import path from 'node:path';
import { flow } from '../../../examples/message-store/flow';
import { readTopology } from '../../../lib/topology/read-topology';

const yaml = readFileSync(path.join(__dirname, '../../fixtures/topologies/message-store.yaml'), 'utf8');

test('the TypeScript example and the YAML example are the same topology', () => {
  const inTypeScript = readTopology(JSON.stringify(flow.document()), { file: 'flow.ts', defaultJobId: 'flow' });
  const inYaml = readTopology(yaml, { file: 'message-store.yaml', defaultJobId: 'message-store' });
  expect(inTypeScript.topology).toBeDefined();
  expect(inTypeScript.topology).toEqual(inYaml.topology);
  expect(inTypeScript.problems.map(({ message }) => message)).toEqual(inYaml.problems.map(({ message }) => message));
});

test('the TypeScript example has its keys in the usual order', () => {
  const document = flow.document();
  expect(Object.keys(document)).toEqual(['jobId', 'parallelism', 'globalConfig', 'dag']);
  expect(document.dag.map((each) => Object.keys(each).join(' '))).toEqual([
    'id type format addr topics user password meta out',
    'id type image imagePullPolicy globalConfig schema meta out',
    'id type image imagePullPolicy schema meta',
  ]);
  expect(document.dag.map(({ meta }) => Object.keys(meta ?? {}).join(' '))).toEqual([
    'checkpoint',
    'container name code',
    'name code',
  ]);
});
