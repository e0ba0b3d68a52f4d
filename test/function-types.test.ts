import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { builderNameOf } from '../lib/define/connector-builders';
import { defineFlow } from '../lib/define/flow-definition';
import { functionSpecSchema } from '../lib/plan/function-spec';
import { languageNames } from '../lib/topology/document/language';
import { topologyJsonSchema } from '../lib/topology/document/topology-json-schema';
import { descriptorOf, functionTypeNames } from '../lib/topology/function-types/function-type';

const root = path.join(__dirname, '..');

const connectors = functionTypeNames.filter((type) => {
  const { isRunnable, kind } = descriptorOf(type);
  return isRunnable && kind !== 'process';
});

describe('a function type is declared once', () => {
  test('every runnable source and sink has a folder in runtime/connectors, and every folder has a type', () => {
    const folders = readdirSync(path.join(root, 'runtime/connectors'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
    expect(folders.sort()).toEqual([...connectors].sort());
  });

  test('every type has a descriptor file with its name, and every descriptor file declares a type', () => {
    const folder = path.join(root, 'lib/topology/function-types');
    const files = readdirSync(folder)
      .filter((file) => readFileSync(path.join(folder, file), 'utf8').includes('satisfies FunctionTypeDescriptor'))
      .map((file) => path.basename(file, '.ts'));
    expect(files.sort()).toEqual([...functionTypeNames].sort());
  });

  test('docs/topology.md has one row for each type, and no other row', () => {
    const text = readFileSync(path.join(root, 'docs/topology.md'), 'utf8');
    const [, table = ''] = /^## Functions\n\| type \|.*\n.*\n((?:\|.*\n)+)/m.exec(text) ?? [];
    const rows = [...table.matchAll(/^\| `([^`]+)` \|/gm)].map(([, type]) => type);
    expect(rows.sort()).toEqual([...functionTypeNames].sort());
  });

  test('the JSON Schema lists every type, and the function spec lists every type and language', () => {
    const { properties } = topologyJsonSchema() as { properties: { dag: { items: { properties: { type: object } } } } };
    expect(properties.dag.items.properties.type).toMatchObject({ enum: functionTypeNames });
    const { type, language } = functionSpecSchema.unwrap().shape;
    expect(type.options).toEqual(functionTypeNames);
    expect(language.options).toEqual(languageNames);
  });

  test('every source and sink has a builder that adds a function of its type', () => {
    for (const type of functionTypeNames.filter((each) => descriptorOf(each).kind !== 'process')) {
      const flow = defineFlow({ jobId: 'job' });
      const build: unknown = Reflect.get(flow, builderNameOf(type));
      expect(build).toBeInstanceOf(Function);
      (build as (id: string, options: object) => void)('f', {});
      expect(flow.document().dag).toEqual([expect.objectContaining({ id: 'f', type })]);
    }
  });
});

/** Files that may name a function type, besides descriptors and connectors, with the reason. */
const mayName: { readonly [file: string]: string } = {
  'lib/define/connector-builders.ts': 'the TypeScript types of implicit schemas',
  'lib/define/flow-definition.ts': 'the builder of the only process type has another name',
  'runtime/controller/api/http/describe-routes.ts': 'an example document',
};

test('only descriptors, connectors and the files listed here name a function type', () => {
  const wrong = sources('lib', 'runtime')
    .filter((file) => !/^(lib\/topology\/function-types|runtime\/connectors)\//.test(file))
    .filter((file) => mayName[file] === undefined)
    .flatMap((file) => literalsOf(file, functionTypeNames).map((node) => `${file}: ${node.getText()}`));
  expect(wrong).toEqual([]);
});

test('only hosts compare languages; other code uses tables, which do not compile without an entry for each language', () => {
  const wrong = sources('lib', 'runtime')
    .filter((file) => !file.startsWith('runtime/hosts/'))
    .flatMap((file) =>
      literalsOf(file, languageNames)
        .filter(({ parent }) => ts.isBinaryExpression(parent))
        .map(({ parent }) => `${file}: ${parent.getText()}`),
    );
  expect(wrong).toEqual([]);
});

function sources(...folders: readonly string[]): readonly string[] {
  return folders.flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => path.join(folder, file)),
  );
}

/** The string literals of a file that equal one of the names. Literal types are skipped: they have no effect at run time. */
function literalsOf(file: string, names: readonly string[]): readonly ts.Node[] {
  const text = readFileSync(path.join(root, file), 'utf8');
  if (!names.some((name) => text.includes(`'${name}'`) || text.includes(`\`${name}\``))) return [];
  const found: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isLiteralTypeNode(node)) return;
    if (ts.isStringLiteralLike(node) && names.includes(node.text)) found.push(node);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  return found;
}
