import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { candidates } from '../../../runtime/cli/commands/completion/candidates';
import type { CommandSpec } from '../../../runtime/cli/frame/command';
import { exitStatuses } from '../../../runtime/cli/frame/exit-status';
import { groups } from '../../../runtime/cli/registry';

const root = path.join(__dirname, '../../..');
const folder = path.join(root, 'runtime/cli/commands');
const registered = groups.flatMap((group) => group.commands);
const visible = registered.filter(({ isHidden }) => isHidden !== true);
const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
const noNames = { jobs: async () => [], functions: async () => [], namespaces: async () => [] };

/** Files that declare commands, by what they import. */
const declaring = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter(
    (file) => file.endsWith('.ts') && /import .*\bdefineCommand\b/.test(readFileSync(path.join(folder, file), 'utf8')),
  )
  .map((file) => path.join(folder, file));

test.each(declaring)('every command that %s exports is in the registry', (file) => {
  const exported = Object.values(require(file) as { readonly [name: string]: CommandSpec });
  const commands = exported.filter((each) => typeof each.run === 'function');
  expect(commands).not.toEqual([]);
  expect(commands.filter((command) => !registered.includes(command)).map(({ name }) => name)).toEqual([]);
});

test('no name is taken twice', () => {
  const names = registered.map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) < index)).toEqual([]);
});

test('every command has a row in the command table of the README', () => {
  const rows = readme.match(/^\| `kflow [^|]*(?:\\\|[^|]*)*\|/gm) ?? [];
  const documented = rows.flatMap((row) => [...row.matchAll(/`(?:kflow )?([a-z]+)/g)].map((match) => match[1]));
  expect([...documented].sort()).toEqual(visible.map(({ name }) => name).sort());
});

test('every exit status is in the README', () => {
  for (const { status } of exitStatuses) expect(readme).toMatch(new RegExp(`^\\| ${status} \\|`, 'm'));
});

test('every command is completed, except hidden ones', async () => {
  const found = await candidates(groups, [''], noNames);
  expect(found.map(({ value }) => value)).toEqual(visible.map(({ name }) => name));
});

test.each(visible.map((command) => [command.name, command] as const))(
  'kflow %s has help for every part',
  (_, command) => {
    for (const each of [command, ...command.commands]) {
      expect(each.summary).toMatch(/^[a-z].*[^.]$/);
      for (const { description } of [...Object.values(each.arguments), ...Object.values(each.options)]) {
        expect(description).toMatch(/[^.]$/);
      }
    }
  },
);

/** Packages and files that no declaration may load: `kflow --help` and completion load all declarations. */
test('declarations load only the frame and Node', () => {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(file, 'utf8');
    for (const [, target = ''] of text.matchAll(/^(?:import|export)(?! type)[^;]*? from '([^']+)';/gms)) {
      if (target.startsWith('.')) visit(path.join(path.dirname(file), `${target}.ts`));
      else packages.add(target.replace(/^node:.*/, 'node'));
    }
  };
  visit(path.join(root, 'runtime/cli/main.ts'));
  expect([...packages].sort()).toEqual(['commander', 'node']);
  const loaded = [...seen].map((file) => path.relative(root, file)).filter((file) => !file.startsWith('runtime/cli/'));
  expect(loaded.sort()).toEqual(['lib/errors.ts', 'runtime/api-contract/flow-key.ts', 'runtime/package-root.ts']);
});
