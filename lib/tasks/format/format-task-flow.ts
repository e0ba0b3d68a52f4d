import type { Token } from '../language/token';
import { formatToken } from './format-data';
import { type Block, type Item, isBlock, type Part, readStatementTree } from './statement-tree';

/** Longest line that the formatter fills. */
const maxWidth = 100;

/**
 * The text in the canonical layout: a statement a line, with `→` and a semicolon; comments stay. Long statements continue on
 * further lines, each beginning with an arrow. The text must have no faults. Formatting twice changes nothing.
 */
export function formatTaskFlow(text: string): string {
  const layout = new Layout(text);
  return `${layout.items(readStatementTree(text), '').join('\n')}\n`;
}

class Layout {
  constructor(private readonly text: string) {}

  /** The lines of a block, without its braces. */
  items({ items }: Block, indent: string): readonly string[] {
    return items.flatMap((item) => {
      const lines = this.item(item, indent);
      return item.isApart ? ['', ...lines] : lines;
    });
  }

  private item(item: Item, indent: string): readonly string[] {
    const { parts, trailing } = item;
    const [first] = parts;
    if (first !== undefined && !isBlock(first) && first.kind === 'comment') return [indent + this.token(first, indent)];
    const flat = this.flat(parts);
    const isFitting = flat !== undefined && indent.length + flat.length < maxWidth;
    const body = `${indent}${isFitting ? flat : this.broken(parts, indent)};`;
    return [trailing === undefined ? body : `${body}  ${this.token(trailing, indent)}`];
  }

  /** On one line; undefined if that is impossible. */
  private flat(parts: readonly Part[]): string | undefined {
    let line = '';
    for (const [index, part] of parts.entries()) {
      const piece = isBlock(part) ? this.flatBlock(part) : part.kind === 'comment' ? undefined : this.token(part, '');
      if (piece === undefined || piece.includes('\n')) return undefined;
      line += this.gap(parts, index) + piece;
    }
    return line;
  }

  private flatBlock({ items }: Block): string | undefined {
    const lines = items.map(({ parts, trailing }) => (trailing === undefined ? this.flat(parts) : undefined));
    return lines.includes(undefined) ? undefined : `{ ${lines.join('; ')} }`;
  }

  /** On several lines: a new one before each arrow and `catch`, and around comments. */
  private broken(parts: readonly Part[], indent: string): string {
    const inner = `${indent}  `;
    const hasArrows = parts.some((part) => isToken(part, '→'));
    let result = '';
    for (const [index, part] of parts.entries()) {
      const isBreak = index > 0 && this.breaksBefore(parts, index, hasArrows);
      result += isBreak ? `\n${inner}` : isToken(part, 'comment') ? '  ' : this.gap(parts, index);
      const depth = result.includes('\n') ? inner : indent;
      result += isBlock(part) ? this.block(part, depth) : this.token(part, depth);
    }
    return isToken(parts.at(-1), 'comment') ? `${result}\n${inner}` : result;
  }

  private breaksBefore(parts: readonly Part[], index: number, hasArrows: boolean): boolean {
    const [before, part] = [parts[index - 1], parts[index]];
    if (isToken(before, 'comment')) return true;
    if (part === undefined || isBlock(part)) return false;
    if (part.kind === 'comment') return this.beginsLine(part);
    return part.kind === '→' || (hasArrows && part.kind === 'name' && part.text === 'catch');
  }

  private beginsLine({ at }: Token): boolean {
    return this.text.slice(this.text.lastIndexOf('\n', at - 1) + 1, at).trim() === '';
  }

  private block(block: Block, indent: string): string {
    const flat = this.flatBlock(block);
    if (flat !== undefined && indent.length + flat.length < maxWidth - 20) return flat;
    return `{\n${this.items(block, `${indent}  `).join('\n')}\n${indent}}`;
  }

  /** What stands between a part and the one before it. */
  private gap(parts: readonly Part[], index: number): string {
    const part = parts[index];
    const before = parts[index - 1];
    if (part === undefined || before === undefined) return '';
    if (isBlock(part) || isBlock(before)) return ' ';
    if (part.kind === '|' || before.kind === '|') return '';
    if (part.kind !== 'parameters') return ' ';
    const isDeclared = isToken(parts[0], 'keyword') && index === 2;
    const isPolicy = before.kind === 'name' && before.text === 'with' && index > 1;
    return isDeclared || isPolicy || isToken(parts[index - 2], '=') ? ' ' : '';
  }

  private token(token: Token, indent: string): string {
    return formatToken(this.text, token, indent);
  }
}

function isToken(part: Part | undefined, kind: Token['kind']): boolean {
  return part !== undefined && !isBlock(part) && part.kind === kind;
}
