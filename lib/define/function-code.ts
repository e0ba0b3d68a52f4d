declare const carried: unique symbol;

/** Code that is a module's, by its path; `Run` is the type of the function in it. */
export interface ModuleCode<Run> {
  readonly code: 'module';
  readonly path: string;
  readonly name: string;
  readonly [carried]?: Run;
}

/** Python code, as its text or in a file. */
export type PythonCode =
  | { readonly code: 'python'; readonly name: string; readonly text: string }
  | { readonly code: 'python-file'; readonly name: string; readonly path: string };

/** What runs for each record: a real function, or one that lives elsewhere. */
export type FunctionCode<Run> = Run | ModuleCode<Run> | PythonCode;

/** Any code, as the document needs it. */
export type AnyCode = FunctionCode<(...args: never[]) => unknown>;

type FunctionNames<Module> = {
  [Name in keyof Module]: Module[Name] extends (...args: never[]) => unknown ? Name : never;
}[keyof Module] &
  string;

/**
 * The function `name` of a module, whose path starts at the flow's directory and whose language is its extension's:
 * .ts, .js or .py. With `fromModule<typeof import('./map')>` its functions are checked against what is read and
 * written: all of them, or the one that a second type parameter names. Without a type it is taken on trust.
 */
export function fromModule<Module = never, Name extends FunctionNames<Module> = FunctionNames<Module>>(
  path: string,
  name: [Module] extends [never] ? string : Name,
): ModuleCode<[Module] extends [never] ? never : Module[Name]> {
  return { code: 'module', path, name };
}

/** Python code with the entry function `name`. The text may be indented as a whole, as in a template literal. */
export function python(name: string, text: string): PythonCode {
  return { code: 'python', name, text: withoutIndent(text) };
}

/** Python code that is read from a file when the document is made; a relative path starts at the flow's directory. */
export function pythonFile(path: string, name: string): PythonCode {
  return { code: 'python-file', name, path };
}

/** As YAML reads a block: without an empty first line and the indentation that all lines share. */
function withoutIndent(text: string): string {
  const lines = text.replace(/^[ \t]*\n/, '').split('\n');
  const indents = lines.filter((line) => line.trim() !== '').map((line) => /^[ \t]*/.exec(line)?.[0].length ?? 0);
  const shared = Math.min(...indents);
  return lines.map((line) => line.slice(shared)).join('\n');
}
