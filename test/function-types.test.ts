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
  const { kind } = descriptorOf(type);
  return kind === 'source' || kind === 'sink';
});

describe('a function type is declared once', () => {
  test('runtime/connectors has a folder for every source and sink, and no other', () => {
    const folders = readdirSync(path.join(root, 'runtime/connectors'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `runtime/connectors/${name}`);
    expect(folders.sort()).toEqual(connectors.map((type) => `runtime/connectors/${type}`).sort());
  });

  test('lib/topology/function-types/function-type.ts lists every descriptor file, under the name of the file', () => {
    const files = sources('lib/topology/function-types').filter((file) =>
      readFileSync(path.join(root, file), 'utf8').includes('satisfies FunctionTypeDescriptor'),
    );
    expect([...files].sort()).toEqual(functionTypeNames.map((type) => `lib/topology/function-types/${type}.ts`).sort());
  });

  test('docs/topology.md has one row for each type in its table of functions, and no other row', () => {
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

  test('lib/define/connector-builders.ts builds every source and sink', () => {
    for (const type of connectors) {
      const flow = defineFlow({ jobId: 'job' });
      const build: unknown = Reflect.get(flow, builderNameOf(type));
      expect([type, build]).toEqual([type, expect.any(Function)]);
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
  'lib/tasks/worker/worker-topology.ts': 'the function of a worker document',
  'runtime/hosts/framing/program-topology.ts': 'the sink in the topology of a program',
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
