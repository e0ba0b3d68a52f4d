import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { candidates } from '../../../runtime/cli/commands/completion/candidates';
import type { CommandSpec } from '../../../runtime/cli/frame/command';
import { exitStatuses } from '../../../runtime/cli/frame/exit-status';
import { groups } from '../../../runtime/cli/registry';

const root = path.join(__dirname, '../../..');
const registered = groups.flatMap((group) => group.commands);
const visible = registered.filter(({ isHidden }) => isHidden !== true);
const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
const noNames = {
  jobs: async () => [],
  functions: async () => [],
  namespaces: async () => [],
  executions: async () => [],
};

/** Files that declare commands, by what they import. */
const declaring = readdirSync(path.join(root, 'runtime/cli/commands'), { recursive: true, encoding: 'utf8' })
  .map((file) => `runtime/cli/commands/${file}`)
  .filter(
    (file) => file.endsWith('.ts') && /import .*\bdefineCommand\b/.test(readFileSync(path.join(root, file), 'utf8')),
  );

test.each(declaring)('runtime/cli/registry.ts lists every command that %s exports', (file) => {
  const exported = Object.values(require(path.join(root, file)) as { readonly [name: string]: CommandSpec });
  const commands = exported.filter((each) => typeof each.run === 'function');
  expect(commands).not.toEqual([]);
  expect(commands.filter((command) => !registered.includes(command)).map(({ name }) => name)).toEqual([]);
});

test('runtime/cli/registry.ts lists no name twice', () => {
  const names = registered.map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) < index)).toEqual([]);
});

test('README.md has a row for every command in its command table, and no other row', () => {
  const rows = readme.match(/^\| `kflow [^|]*(?:\\\|[^|]*)*\|/gm) ?? [];
  const documented = rows.flatMap((row) => [...row.matchAll(/`(?:kflow )?([a-z][a-z-]*)/g)].map((match) => match[1]));
  expect([...documented].sort()).toEqual(visible.map(({ name }) => name).sort());
});

test('README.md has a row for every exit status of runtime/cli/frame/exit-status.ts', () => {
  const statuses = exitStatuses.map(({ status }) => status);
  expect(statuses.filter((status) => !new RegExp(`^\\| ${status} \\|`, 'm').test(readme))).toEqual([]);
});

test('every command is completed, except hidden ones', async () => {
  const found = await candidates(groups, [''], noNames);
  expect(found.map(({ value }) => value)).toEqual(visible.map(({ name }) => name));
});

test.each(visible.map((command) => [command.name, command] as const))(
  'kflow %s has a summary in lower case and describes every argument and option, without periods at the end',
  (_, command) => {
    const parts = [command, ...command.commands];
    const summaries = parts.map(({ summary }) => summary);
    const details = parts.flatMap((each) => [...Object.values(each.arguments), ...Object.values(each.options)]);
    expect(summaries.filter((summary) => !/^[a-z].*[^.]$/.test(summary))).toEqual([]);
    expect(details.filter(({ description = '' }) => !/[^.]$/.test(description))).toEqual([]);
  },
);

/** `kflow --help` and completion load all declarations. */
test('declarations load only commander, Node, runtime/cli and a few small files', () => {
  const topology = ['avro/exact-json.ts', 'document/dns-label.ts', 'document/image.ts', 'problem/show-value.ts'];
  const small = [
    'lib/duration.ts',
    'lib/plan/nats-access.ts',
    'runtime/package-root.ts',
    ...topology.map((file) => `lib/topology/${file}`),
  ];
  const allowed = ['commander', 'node', 'lib/errors.ts', 'runtime/api-contract/flow-key.ts', ...small];
  const seen = new Set<string>();
  const wrong: string[] = [];
  const visit = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const loaded of loadedBy(file)) {
      const isOurs = loaded.startsWith('runtime/cli/');
      if (!isOurs && !allowed.includes(loaded)) wrong.push(`${file}: loads ${loaded}`);
      else if (loaded.endsWith('.ts')) visit(loaded);
    }
  };
  visit('runtime/cli/main.ts');
  expect(wrong).toEqual([]);
  expect([...seen].filter((file) => declaring.includes(file)).sort()).toEqual([...declaring].sort());
});

/** The files and packages that a file imports when it is loaded; all of Node's as `node`. */
function loadedBy(file: string): readonly string[] {
  const text = readFileSync(path.join(root, file), 'utf8');
  return [...text.matchAll(/^(?:import|export)(?! type)[^;]*? from '([^']+)';/gms)].map(([, target = '']) =>
    target.startsWith('.') ? `${path.join(path.dirname(file), target)}.ts` : target.replace(/^node:.*/, 'node'),
  );
}
