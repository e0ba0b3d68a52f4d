import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type ConnectorType, functionTypes } from '../../../../lib/topology/function-types/function-type';

const root = path.join(__dirname, '../../../..');

test('each runnable source and sink has a folder in runtime/connectors, and each folder has a type', () => {
  const folders = readdirSync(path.join(root, 'runtime/connectors'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name as ConnectorType);
  const runnable = Object.entries(functionTypes)
    .filter(([, { isRunnable, kind }]) => isRunnable && kind !== 'process')
    .map(([name]) => name);
  expect(folders.sort()).toEqual(runnable.sort());
});

test.each(Object.keys(functionTypes))('%s has a row in docs/topology.md', (type) => {
  expect(readFileSync(path.join(root, 'docs/topology.md'), 'utf8')).toContain(`\n| \`${type}\` |`);
});
