/** More than any topology needs, and far below the depth that overflows the stack of a recursive reader. */
export const maxDepth = 100;

const scalarMark = '\u001f';

/**
 * Measures how deep the tokens of a YAML lexer nest, without recursion. Text that is nested deeper than `maxDepth` must
 * not be passed to the composer, whose stack would overflow.
 */
export class NestingDepth {
  /** Offset of the next token. */
  offset = 0;
  private lineStart = 0;
  private isLineBlank = true;
  private flow = 0;
  private previous = '';
  /** Start columns of the open block collections, in ascending order. */
  private readonly columns: number[] = [];

  /** Takes the next token; false if the token is nested too deep. */
  take(token: string): boolean {
    const first = token.charCodeAt(0);
    const isMark = token.length === 1 && first < 0x20 && first !== 0x0a && first !== 0x09 && first !== 0x0d;
    if (!isMark) this.takeText(token);
    this.previous = token;
    return this.flow + this.columns.length <= maxDepth;
  }

  private takeText(token: string): void {
    const isScalar = this.previous === scalarMark;
    const isIndicator = !isScalar && (token === '-' || token === '?');
    if (!isScalar && (token === '[' || token === '{')) this.flow += 1;
    else if (!isScalar && (token === ']' || token === '}') && this.flow > 0) this.flow -= 1;
    if (this.flow === 0 && (isIndicator || (this.isLineBlank && !isSpace(token)))) {
      this.open(this.offset - this.lineStart);
    }
    this.offset += token.length;
    const newline = token.lastIndexOf('\n');
    if (newline >= 0) {
      this.lineStart = this.offset - token.length + newline + 1;
      this.isLineBlank = true;
    } else if (!isSpace(token)) this.isLineBlank = false;
  }

  private open(column: number): void {
    while (this.columns.length > 0 && (this.columns.at(-1) ?? 0) >= column) this.columns.pop();
    this.columns.push(column);
  }
}

function isSpace(token: string): boolean {
  const first = token.charCodeAt(0);
  return first === 0x20 || first === 0x09 || first === 0x0a || first === 0x0d;
}
