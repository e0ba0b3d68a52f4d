declare const carried: unique symbol;

/** Code in a module, by its path; `Run` is the type of its function. */
export interface ModuleCode<Run> {
  readonly code: 'module';
  readonly path: string;
  readonly name: string;
  readonly [carried]?: Run;
}

/** Python code, as text or in a file. */
export type PythonCode =
  | { readonly code: 'python'; readonly name: string; readonly text: string }
  | { readonly code: 'python-file'; readonly name: string; readonly path: string };

/** The code that runs for each record: a function, or a reference to one. */
export type FunctionCode<Run> = Run | ModuleCode<Run> | PythonCode;

/** Code of any function type. */
export type AnyCode = FunctionCode<(...args: never[]) => unknown>;

type FunctionNames<Module> = {
  [Name in keyof Module]: Module[Name] extends (...args: never[]) => unknown ? Name : never;
}[keyof Module] &
  string;

/**
 * The function `name` of a module. The path is relative to the flow's directory; its extension determines the language.
 * With `fromModule<typeof import('./map')>`, the types of its functions are checked: those of all functions, or of the one
 * that a second type parameter names. Without a type, nothing is checked.
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

/** Python code from a file, read when the document is created. A relative path starts at the flow's directory. */
export function pythonFile(path: string, name: string): PythonCode {
  return { code: 'python-file', name, path };
}

/** Removes an empty first line and the common indentation, as YAML does for a block. */
function withoutIndent(text: string): string {
  const lines = text.replace(/^[ \t]*\n/, '').split('\n');
  const indents = lines.filter((line) => line.trim() !== '').map((line) => /^[ \t]*/.exec(line)?.[0].length ?? 0);
  const shared = Math.min(...indents);
  return lines.map((line) => line.slice(shared)).join('\n');
}
