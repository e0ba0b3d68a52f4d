/**
 * Collects the source of functions that are compiled together. Generated code holds nothing of a schema but numbers and
 * quoted names; everything else is a constant that it refers to.
 */
export class GeneratedCode<Key extends object> {
  private readonly constants: unknown[] = [];
  private readonly names = new Map<Key, string>();
  private readonly sources: string[] = [];

  /** The name under which the code finds a value. */
  constant(value: unknown): string {
    let index = this.constants.indexOf(value);
    if (index < 0) index = this.constants.push(value) - 1;
    return `c${index}`;
  }

  /** The name of the function for a key; its body is generated at first use. */
  functionOf(key: Key, parameters: string, body: () => string): string {
    const known = this.names.get(key);
    if (known !== undefined) return known;
    const name = `f${this.names.size}`;
    this.names.set(key, name); // first, because the body may call the function
    this.sources.push(`function ${name}(${parameters}) {\n${body()}\n}`);
    return name;
  }

  /** Compiles everything and returns the value of an expression. */
  compile(expression: string): unknown {
    const constants = this.constants.map((_, index) => `const c${index} = constants[${index}];`);
    const source = ['"use strict";', ...constants, ...this.sources, `return ${expression};`].join('\n');
    return new Function('constants', source)(this.constants);
  }
}

/** Text as a literal of the source. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}
