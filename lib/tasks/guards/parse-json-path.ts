import {
  type Comparison,
  type Condition,
  type JsonPath,
  JsonPathError,
  type Operand,
  type Selector,
  type Subscript,
} from './json-path';

/**
 * Parses a JSONPath: `$`, `.key`, `['key']`, `[2]`, `[0:3]`, `[*]`, `.*`, `..key`, lists of subscripts, and filters
 * `[?(…)]` with `=` (or `==`), `!=`, `<`, `<=`, `>`, `>=`, `not`, `or`, `and`; `or` binds tighter than `and`. Throws
 * JsonPathError.
 */
export function parseJsonPath(text: string): JsonPath {
  const parser = new PathParser(text);
  return parser.parse();
}

const maxDepth = 50;
const name = /[\p{L}_][\p{L}\p{N}_-]*/uy;
const integer = /-?\d+/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const comparison = /==|=|!=|<=|<|>=|>/y;

class PathParser {
  private at = 0;
  private depth = 0;

  constructor(private readonly text: string) {}

  parse(): JsonPath {
    this.skipSpace();
    if (!this.take('$')) throw this.fault('a guard begins with "$", the input of the step');
    const path = this.selectors();
    this.skipSpace();
    if (this.at < this.text.length) {
      const advice = /^[=!<>]/.test(this.text.slice(this.at)) ? '; a condition is written as $[?(@.status = 0)]' : '';
      throw this.fault(`unexpected ${this.here()} after the path${advice}`);
    }
    return path;
  }

  private selectors(): Selector[] {
    const found: Selector[] = [];
    for (;;) {
      this.skipSpace();
      if (this.take('..')) {
        found.push({ kind: 'descent' });
        if (!this.peek('[')) found.push({ kind: 'children', keys: [this.bareword()] });
      } else if (this.take('.')) found.push({ kind: 'children', keys: [this.bareword()] });
      else if (this.take('[')) found.push(this.bracket());
      else return found;
    }
  }

  private bareword(): Subscript {
    this.skipSpace();
    if (this.take('*')) return 'every';
    const key = this.match(name);
    if (key === undefined) throw this.fault(`expected a key or * after the dot, got ${this.here()}`);
    return { key };
  }

  private bracket(): Selector {
    this.skipSpace();
    if (this.take('?')) return this.filter();
    const keys = [this.subscript()];
    while (this.skipSpace().take(',')) keys.push(this.subscript());
    this.expect(']');
    return { kind: 'children', keys };
  }

  private filter(): Selector {
    this.skipSpace();
    this.expect('(');
    const condition = this.nested(() => this.conjunction());
    this.expect(')');
    this.expect(']');
    return { kind: 'filter', condition };
  }

  private subscript(): Subscript {
    this.skipSpace();
    if (this.take('*')) return 'every';
    if (this.peek("'") || this.peek('"')) return { key: this.quoted() };
    const from = this.match(integer);
    if (this.skipSpace().take(':')) return this.slice(from);
    if (from === undefined) throw this.fault(`expected a key in quotes, an index, a slice or *, got ${this.here()}`);
    return { index: Number(from) };
  }

  private slice(from: string | undefined): Subscript {
    const to = this.skipSpace().match(integer);
    const start = this.at;
    const step = this.skipSpace().take(':') ? this.skipSpace().match(integer) : undefined;
    if (Number(step) === 0) throw this.fault('the step of a slice must not be 0', start);
    const whole = (part: string | undefined) => (part === undefined ? undefined : Number(part));
    return { from: whole(from), to: whole(to), step: whole(step) };
  }

  private conjunction(): Condition {
    const parts = [this.disjunction()];
    while (this.word('and') || this.take('&&')) parts.push(this.disjunction());
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: 'and', parts };
  }

  private disjunction(): Condition {
    const parts = [this.term()];
    while (this.word('or') || this.take('||')) parts.push(this.term());
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: 'or', parts };
  }

  private term(): Condition {
    this.skipSpace();
    if (this.word('not') || this.isBang()) return { kind: 'not', part: this.nested(() => this.term()) };
    if (!this.take('(')) return this.comparison();
    const inner = this.nested(() => this.conjunction());
    this.expect(')');
    return inner;
  }

  private isBang(): boolean {
    return !this.peek('!=') && this.take('!');
  }

  private comparison(): Condition {
    const start = this.at;
    const left = this.operand();
    const operator = this.skipSpace().match(comparison);
    if (operator !== undefined) {
      const written = operator === '==' ? '=' : (operator as Comparison);
      return { kind: 'compare', operator: written, left, right: this.operand() };
    }
    if (left.kind === 'path') return { kind: 'exists', path: left };
    throw this.fault('a value alone is no condition; compare it, as in @.status = 0', start);
  }

  private operand(): Operand {
    this.skipSpace();
    if (this.take('@')) return { kind: 'path', start: 'current', path: this.nested(() => this.selectors()) };
    if (this.take('$')) return { kind: 'path', start: 'root', path: this.nested(() => this.selectors()) };
    if (this.peek("'") || this.peek('"')) return { kind: 'value', value: this.quoted() };
    const digits = this.match(number);
    if (digits !== undefined) return { kind: 'value', value: Number(digits) };
    for (const [word, value] of [
      ['true', true],
      ['false', false],
      ['null', null],
    ] as const) {
      if (this.word(word)) return { kind: 'value', value };
    }
    throw this.fault(`expected a path (@.key), text in quotes, a number, true, false or null, got ${this.here()}`);
  }

  private quoted(): string {
    const start = this.at;
    const quote = this.text[start];
    let value = '';
    for (this.at += 1; this.at < this.text.length; this.at += 1) {
      const char = this.text[this.at] ?? '';
      if (char === quote) {
        this.at += 1;
        return value;
      }
      value += char === '\\' ? this.escape() : char;
    }
    throw this.fault('the text in quotes has no end', start);
  }

  private escape(): string {
    this.at += 1;
    const char = this.text[this.at] ?? '';
    if (char !== 'u') return escapes[char] ?? char;
    const hex = /[\da-fA-F]{4}/y;
    hex.lastIndex = this.at + 1;
    const digits = hex.exec(this.text)?.[0];
    if (digits === undefined) throw this.fault('\\u needs four hexadecimal digits');
    this.at += 4;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  private nested<T>(read: () => T): T {
    this.depth += 1;
    if (this.depth > maxDepth) throw this.fault('nested too deep');
    const value = read();
    this.depth -= 1;
    return value;
  }

  private word(wanted: string): boolean {
    this.skipSpace();
    if (!this.text.startsWith(wanted, this.at) || /[\p{L}\p{N}_]/u.test(this.text[this.at + wanted.length] ?? ''))
      return false;
    this.at += wanted.length;
    return true;
  }

  private skipSpace(): this {
    while (/\s/.test(this.text[this.at] ?? '')) this.at += 1;
    return this;
  }

  private peek(wanted: string): boolean {
    return this.text.startsWith(wanted, this.at);
  }

  private take(wanted: string): boolean {
    this.skipSpace();
    if (!this.peek(wanted)) return false;
    this.at += wanted.length;
    return true;
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    this.at += found?.length ?? 0;
    return found;
  }

  private expect(wanted: string): void {
    if (!this.take(wanted)) throw this.fault(`expected "${wanted}", got ${this.here()}`);
  }

  private here(): string {
    const rest = this.text.slice(this.at).trim();
    return rest === '' ? 'the end' : `"${/^(?:[\p{L}\p{N}_]+|.)/u.exec(rest)?.[0] ?? rest[0]}"`;
  }

  private fault(message: string, offset = this.at): JsonPathError {
    return new JsonPathError(message, Math.min(offset, this.text.length));
  }
}

const escapes: { readonly [char: string]: string } = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' };
