import { readTokens } from '../language/lexer';
import { parseTaskFlow } from '../language/parse-task-flow';
import type { BranchSyntax, Statement, TaskFlowSyntax } from '../language/syntax';
import type { Token } from '../language/token';

/** The tokens of a text, grouped as they are laid out. */
export interface Block {
  readonly items: readonly Item[];
}

/** A statement, a declaration, or comments between them. */
export interface Item {
  readonly parts: readonly Part[];
  /** Whether an empty line precedes it. */
  readonly isApart: boolean;
  /** A comment at the end of its last line. */
  readonly trailing?: Token;
}

export type Part = Token | Block;

export function isBlock(part: Part): part is Block {
  return 'items' in part;
}

/** Groups the tokens of a text without faults. */
export function readStatementTree(text: string): Block {
  const starts = new Set<number>();
  addStarts(parseTaskFlow(text).syntax, starts);
  const tokens = readTokens(text).tokens;
  return new TreeReader(text, tokens, starts).block();
}

class TreeReader {
  private at = 0;

  constructor(
    private readonly text: string,
    private readonly tokens: readonly Token[],
    /** Offsets at which statements and declarations begin. */
    private readonly starts: ReadonlySet<number>,
  ) {}

  /** Up to the brace that closes it, or the end of the text. */
  block(): Block {
    const items: Item[] = [];
    for (let token = this.peek(); token.kind !== '}' && token.kind !== 'end'; token = this.peek()) {
      if (token.kind === ';') this.at += 1;
      else items.push(this.item(items.length > 0));
    }
    this.at += 1;
    return { items };
  }

  private item(hasBefore: boolean): Item {
    const first = this.peek();
    const isApart = hasBefore && /\n\s*\n/.test(this.text.slice(this.tokens[this.at - 1]?.end ?? 0, first.at));
    const parts: Part[] = [];
    if (first.kind === 'comment') {
      this.at += 1;
      return { parts: [first], isApart };
    }
    do parts.push(this.part());
    while (!this.isEnd());
    if (this.peek().kind === ';') this.at += 1;
    const trailing = this.trailing();
    return { parts, isApart, ...(trailing === undefined ? {} : { trailing }) };
  }

  private part(): Part {
    const token = this.peek();
    this.at += 1;
    return token.kind === '{' ? this.block() : token;
  }

  /** Whether the next token that is no comment is not part of this item. */
  private isEnd(): boolean {
    let ahead = 0;
    while (this.peek(ahead).kind === 'comment') ahead += 1;
    const { kind, at } = this.peek(ahead);
    return kind === ';' || kind === '}' || kind === 'end' || this.starts.has(at);
  }

  /** A comment in the line in which the item ends. */
  private trailing(): Token | undefined {
    const token = this.peek();
    const last = this.tokens[this.at - 1];
    if (token.kind !== 'comment' || last === undefined || this.text.slice(last.end, token.at).includes('\n'))
      return undefined;
    this.at += 1;
    return token;
  }

  private peek(ahead = 0): Token {
    return this.tokens[Math.min(this.at + ahead, this.tokens.length - 1)] as Token;
  }
}

function addStarts(syntax: TaskFlowSyntax, starts: Set<number>): void {
  for (const { statements = [] } of syntax.tasks) addStatements(statements, starts);
  for (const at of syntax.declarations) starts.add(at);
  addStatements(syntax.statements, starts);
  if (syntax.finally !== undefined) addBranch(syntax.finally, starts);
}

function addStatements(statements: readonly Statement[], starts: Set<number>): void {
  for (const { at, steps } of statements) {
    starts.add(at);
    for (const step of steps) addBranch(step, starts);
  }
}

function addBranch(branch: BranchSyntax, starts: Set<number>): void {
  if (branch.run.kind === 'subflow') addStatements(branch.run.statements, starts);
  if (branch.catch !== undefined) addBranch(branch.catch, starts);
}
