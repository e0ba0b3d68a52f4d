import type { Fault } from '../../topology/read/compose-value';
import { findJsonEnd, findYamlEnd } from './scan-data';
import type { Mark, Token } from './token';

/**
 * Splits the text of a task flow into tokens, comments among them. What is no token is reported, and a token of the kind
 * `unknown`. The last token is the end of the text, or of what is read of it: it is not read on after a hundred faults.
 */
export function readTokens(text: string): { readonly tokens: readonly Token[]; readonly faults: readonly Fault[] } {
  const lexer = new Lexer(text);
  return { tokens: lexer.read(), faults: lexer.faults };
}

const space = /\s+/y;
const nameStart = /[A-Za-z_]/;
/** A name ends before an arrow: `A->B` is an edge. */
const name = /[A-Za-z_](?:[\p{L}\p{N}_:]|-(?!>))*/uy;
const marks: ReadonlySet<string> = new Set<Mark>(['|', '{', '}', ';', '>', '*', '?', '=']);
const docMarks = ["'''", '"""'];
const maxFaults = 100;
/** What nothing begins with. */
const noToken = /[^\s→:@(<`A-Za-z_|{};>*?=#]/u;
const arrow = /^(?:[=~\-\u2010-\u2015\u2212]|(?![→])[\u2190-\u21ff\u2794-\u27be\u27f0-\u27ff\u2900-\u297f])/u;

class Lexer {
  readonly faults: Fault[] = [];
  private readonly tokens: Token[] = [];
  private at = 0;

  constructor(private readonly text: string) {}

  read(): readonly Token[] {
    while (this.at < this.text.length && this.faults.length < maxFaults) {
      const { at } = this;
      const { length } = this.faults;
      this.next();
      if (this.faults.length > length) this.skipped(at);
    }
    if (this.at < this.text.length) this.fault(this.at, 'there are too many faults before to read on');
    this.tokens.push({ kind: 'end', at: this.at, end: this.at, text: '', textAt: this.at });
    return this.tokens;
  }

  private next(): void {
    if (this.match(space) !== undefined) return;
    const { text, at } = this;
    const char = text[at] ?? '';
    if (char === '→') this.push('→', at + 1);
    else if (text.startsWith('->', at)) this.push('→', at + 2);
    else if (char === '#') this.push('comment', this.lineEnd());
    else if (char === ':') this.prefixed('label', 'a label needs a name, as in :sorted');
    else if (char === '@') this.prefixed('keyword', 'expected @flow, @task or @finally');
    else if (char === '(') this.parameters();
    else if (char === '<') this.angle();
    else if (char === '`') this.enclosed('guard', '`', 'the guard has no closing backquote');
    else if (docMarks.includes(text.slice(at, at + 3))) {
      this.enclosed('doc', text.slice(at, at + 3), `the doc text has no closing ${text.slice(at, at + 3)}`);
    } else if (nameStart.test(char)) this.name();
    else if (marks.has(char) && !/^=+>/.test(text.slice(at, at + 8))) this.push(char as Mark, at + 1);
    else this.unexpected();
  }

  private name(): void {
    const start = this.at;
    const found = this.match(name) ?? '';
    this.tokens.push({ kind: 'name', at: start, end: this.at, text: found, textAt: start });
  }

  private prefixed(kind: 'label' | 'keyword', message: string): void {
    const start = this.at;
    this.at += 1;
    const found = this.match(name);
    if (found === undefined) this.fault(start, message);
    else this.tokens.push({ kind, at: start, end: this.at, text: found, textAt: start + 1 });
  }

  /** Whatever is between two marks. */
  private enclosed(kind: 'guard' | 'doc', mark: string, message: string): void {
    const start = this.at;
    const from = start + mark.length;
    const end = this.text.indexOf(mark, from);
    if (end < 0) {
      this.fault(start, message);
      this.at = kind === 'guard' ? this.lineEnd() : this.text.length;
      return;
    }
    this.pushData(kind, { from, end, after: end + mark.length });
  }

  /** `()`, `({…})`, `([…])`, `(- … -)`. */
  private parameters(): void {
    const from = this.afterSpace(this.at + 1);
    const char = this.text[from] ?? '';
    if (char === ')') this.pushData('parameters', { from, end: from, after: from + 1 });
    else if (char === '-') this.yaml('parameters', from + 1, '-)');
    else if (char === '{' || char === '[') this.json('parameters', from, ')');
    else {
      this.fault(this.at, 'parameters are written as (- YAML -), ({…}) or ([…]), and a subflow as { A B }');
      this.at = this.afterMark(')');
    }
  }

  /** `<>`, `<{…}>`, `<[…]>`, `<- … ->` or `<uri>`. */
  private angle(): void {
    const start = this.at;
    const from = start + 1;
    const char = this.text[from] ?? '';
    if (char === '>') this.pushData('constant', { from, end: from, after: from + 1 });
    else if (char === '-') this.yaml('constant', from + 1, '->');
    else if (char === '{' || char === '[') this.json('constant', from, '>');
    else {
      const end = this.text.indexOf('>', from);
      const uri = end < 0 ? '' : this.text.slice(from, end);
      if (uri === '' || /\s/.test(uri)) {
        this.fault(start, 'expected <uri>, or a constant: <>, <{…}>, <[…]> or <- YAML ->');
        this.at = from;
        this.match(/\S*/y);
        return;
      }
      this.pushData('resource', { from, end, after: end + 1 });
    }
  }

  private yaml(kind: 'parameters' | 'constant', from: number, close: '-)' | '->'): void {
    const found = findYamlEnd(this.text, from, close);
    if (found !== undefined) this.pushData(kind, { from, ...found });
    else this.unclosed(`the YAML has no closing "${close}"`);
  }

  private json(kind: 'parameters' | 'constant', from: number, close: ')' | '>'): void {
    const end = findJsonEnd(this.text, from);
    const last = end === undefined ? -1 : this.afterSpace(end);
    if (end === undefined) this.unclosed('the JSON has no end');
    else if (this.text[last] !== close) {
      this.fault(last, `expected "${close}" after the JSON`);
      this.at = this.lineEnd();
    } else this.pushData(kind, { from, end, after: last + 1 });
  }

  /** Data without an end would hide everything that follows; the rest of its line is skipped. */
  private unclosed(message: string): void {
    this.fault(this.at, message);
    this.at = this.lineEnd();
  }

  /** Reports a run of characters that begin no token. */
  private unexpected(): void {
    const start = this.at;
    if (this.match(/=+>/y) === undefined) this.at += String.fromCodePoint(this.text.codePointAt(start) ?? 0).length;
    while (this.at < this.text.length && this.isNoToken()) {
      this.at += String.fromCodePoint(this.text.codePointAt(this.at) ?? 0).length;
    }
    const found = this.text.slice(start, this.at);
    this.fault(start, `unexpected ${visible(found)}${adviceFor(found)}`);
  }

  private isNoToken(): boolean {
    const { text, at } = this;
    const isDoc = docMarks.includes(text.slice(at, at + 3));
    return !isDoc && !text.startsWith('->', at) && noToken.test(String.fromCodePoint(text.codePointAt(at) ?? 0));
  }

  /** Keeps what was reported as a token, so that what follows from it is not reported as well. */
  private skipped(at: number): void {
    this.tokens.push({ kind: 'unknown', at, end: this.at, text: this.text.slice(at, this.at), textAt: at });
  }

  private push(kind: Token['kind'], end: number): void {
    this.tokens.push({ kind, at: this.at, end, text: this.text.slice(this.at, end), textAt: this.at });
    this.at = end;
  }

  private pushData(
    kind: Token['kind'],
    { from, end, after }: { readonly from: number; readonly end: number; readonly after: number },
  ): void {
    this.tokens.push({ kind, at: this.at, end: after, text: this.text.slice(from, end), textAt: from });
    this.at = after;
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    this.at += found?.length ?? 0;
    return found;
  }

  private afterSpace(at: number): number {
    space.lastIndex = at;
    return at + (space.exec(this.text)?.[0].length ?? 0);
  }

  /** Behind the next such mark in this line, else the end of the line. */
  private afterMark(mark: string): number {
    const end = this.lineEnd();
    const found = this.text.slice(this.at, end).indexOf(mark);
    return found < 0 ? end : this.at + found + mark.length;
  }

  private lineEnd(): number {
    const end = this.text.indexOf('\n', this.at);
    return end < 0 ? this.text.length : end;
  }

  private fault(offset: number, message: string): void {
    this.faults.push({ offset, message });
  }
}

/** The text in quotes; of characters that nobody sees, their numbers. */
function visible(text: string): string {
  const shown = [...text.slice(0, 20)].map((char) => {
    const number = char.codePointAt(0) ?? 0;
    return /[\p{C}\p{Z}]/u.test(char) ? `U+${number.toString(16).toUpperCase().padStart(4, '0')}` : char;
  });
  return `"${shown.join('')}"`;
}

function adviceFor(text: string): string {
  if (text.startsWith('[')) return '; a subflow is written in braces: { A B }';
  if (arrow.test(text)) return '; an arrow is → or ->';
  if (text.startsWith('$')) return '; a guard is a JSONPath in backquotes';
  if (text.startsWith('/')) return '; a comment begins with #';
  if (/^["']/.test(text)) return '; names are written without quotes, and guards in backquotes';
  if (text.startsWith(',')) return '; statements end with ";", and a list is written as A|B';
  return '';
}
