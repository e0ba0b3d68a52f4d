import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

/**
 * Writes the package's public declarations anew where they would depend on what a user's compiler may not have: types that
 * zod infers are spelled out, and `Buffer` has no parameter. Runs before the package is packed, on dist/js.
 */

const root = path.join(__dirname, '..');
const built = path.join(root, 'dist/js');
const { exports } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const entries = Object.values<{ readonly types?: string }>(exports).flatMap(({ types }) => types ?? []);

/** The first line of a file that a former run wrote. */
const mark = '// spelled out from the types of zod';

const { config } = ts.readConfigFile(path.join(root, 'tsconfig.build.json'), ts.sys.readFile);
const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
const program = ts.createProgram(fileNames, options);
const checker = program.getTypeChecker();

function main(): void {
  for (const file of publicDeclarations()) {
    const text = readFileSync(file, 'utf8');
    const rewritten = usesZod(text) || text.startsWith(mark) ? spellOut(sourceOf(file)) : text;
    writeFileSync(file, rewritten.replaceAll(/\bBuffer<ArrayBufferLike>/g, 'Buffer'));
  }
  const left = publicDeclarations().filter((file) => usesZod(readFileSync(file, 'utf8')));
  if (left.length > 0) throw new Error(`public types that use zod: ${left.join(', ')}`);
}

/** The declaration files that a program gets to see, from the entries of the package on. */
function publicDeclarations(): string[] {
  const found = new Set<string>();
  const queue = entries.map((file) => path.join(root, file));
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (found.has(file)) continue;
    found.add(file);
    for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()["'](\.[^"']+)["']/g)) {
      const target = path.join(path.dirname(file), name);
      const declaration = [`${target}.d.ts`, path.join(target, 'index.d.ts')].find(existsSync);
      if (declaration !== undefined) queue.push(declaration);
    }
  }
  return [...found].sort();
}

function usesZod(text: string): boolean {
  return text.includes("from 'zod'");
}

function sourceOf(declaration: string): ts.SourceFile {
  const file = path.join(root, path.relative(built, declaration).replace(/\.d\.ts$/, '.ts'));
  const source = program.getSourceFile(file);
  if (source === undefined) throw new Error(`${declaration}: no source ${file}; run npm run build`);
  return source;
}

/** The exported types of a file, spelled out. Its exported values are not public. */
function spellOut(source: ts.SourceFile): string {
  const module = checker.getSymbolAtLocation(source);
  const lines = checker.getExportsOfModule(module as ts.Symbol).flatMap((symbol) => {
    const declaration = symbol.declarations?.find(
      (each): each is ts.TypeAliasDeclaration | ts.InterfaceDeclaration =>
        ts.isTypeAliasDeclaration(each) || ts.isInterfaceDeclaration(each),
    );
    if (declaration === undefined) return [];
    // a generic type is written by hand, and stays as it is
    if (declaration.typeParameters !== undefined) return [declaration.getText()];
    const printer = new TypePrinter(source, symbol);
    return [
      `${documentation(symbol, '')}export type ${symbol.name} = ${printer.print(checker.getDeclaredTypeOfSymbol(symbol))};`,
    ];
  });
  return `${mark}\n${lines.join('\n')}\nexport {};\n`;
}

class TypePrinter {
  constructor(
    private readonly source: ts.SourceFile,
    private readonly subject: ts.Symbol,
  ) {}

  print(type: ts.Type, indent = ''): string {
    const named = this.reference(type);
    if (named !== undefined) return named;
    if (type.isUnion()) return this.union(type, indent);
    if (checker.isArrayType(type)) {
      const [item] = checker.getTypeArguments(type as ts.TypeReference);
      const isReadonly = type.symbol.name === 'ReadonlyArray';
      return `${isReadonly ? 'readonly ' : ''}(${this.print(item as ts.Type, indent)})[]`;
    }
    if (type.isIntersection() || type.flags & ts.TypeFlags.Object) return this.object(type, indent);
    return checker.typeToString(type, this.source, ts.TypeFormatFlags.NoTruncation);
  }

  /** A named type of a file without zod, or of the language, by its name. */
  private reference(type: ts.Type): string | undefined {
    const symbol = type.aliasSymbol ?? (type.isClassOrInterface() ? type.symbol : undefined);
    const declaration = symbol?.declarations?.[0];
    if (symbol === undefined || declaration === undefined || symbol === this.subject) return undefined;
    const { fileName, text } = declaration.getSourceFile();
    if (type.aliasTypeArguments !== undefined || usesZod(text)) return undefined;
    if (!fileName.startsWith(path.join(root, 'lib'))) return symbol.name;
    const target = path.relative(path.dirname(this.source.fileName), fileName).replace(/\.ts$/, '');
    return `import('${target.startsWith('.') ? target : `./${target}`}').${symbol.name}`;
  }

  private union(type: ts.UnionType, indent: string, isOptional = false): string {
    const types = type.types.filter((each) => !isOptional || (each.flags & ts.TypeFlags.Undefined) === 0);
    const flags = types.filter((each) => (each.flags & ts.TypeFlags.BooleanLiteral) !== 0);
    const isBoolean = flags.length === 2;
    const others = types.filter((each) => !isBoolean || !flags.includes(each)).map((each) => this.print(each, indent));
    return [...others, ...(isBoolean ? ['boolean'] : [])].join(' | ');
  }

  private object(type: ts.Type, indent: string): string {
    const inner = `${indent}    `;
    const lines = checker.getPropertiesOfType(type).map((property) => {
      const isOptional = (property.flags & ts.SymbolFlags.Optional) !== 0;
      const name = /^[A-Za-z_$][\w$]*$/.test(property.name) ? property.name : JSON.stringify(property.name);
      const value = checker.getTypeOfSymbol(property);
      const printed = isOptional && value.isUnion() ? this.union(value, inner, true) : this.print(value, inner);
      return `${documentation(property, inner)}${inner}readonly ${name}${isOptional ? '?' : ''}: ${printed};`;
    });
    const indexes = checker.getIndexInfosOfType(type).map((info) => {
      return `${inner}readonly [key: ${this.print(info.keyType)}]: ${this.print(info.type, inner)};`;
    });
    return lines.length + indexes.length === 0 ? '{}' : `{\n${[...lines, ...indexes].join('\n')}\n${indent}}`;
  }
}

function documentation(symbol: ts.Symbol, indent: string): string {
  const text = ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim();
  return text === '' ? '' : `${indent}/** ${text.replaceAll('\n', `\n${indent} * `)} */\n`;
}

main();
