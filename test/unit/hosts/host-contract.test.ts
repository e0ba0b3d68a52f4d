import { readdirSync } from 'node:fs';
import path from 'node:path';
import { languageNames } from '../../../lib/topology/document/language';
import { describeHost, hostFixtures } from '../../contract/host-suite/host-suite';

test('every language has a fixture of the contract suite', () => {
  expect(Object.keys(hostFixtures)).toEqual(languageNames);
});

test('every host folder has the same entry, host.ts', () => {
  const hosts = path.join(__dirname, '../../../runtime/hosts');
  const folders = readdirSync(hosts, { withFileTypes: true }).filter((each) => each.isDirectory());
  for (const { name } of folders.filter((folder) => folder.name !== 'framing')) {
    expect(readdirSync(path.join(hosts, name))).toContain('host.ts');
  }
});

for (const language of languageNames) describeHost(language);
