/** Where data ends, and where the closing mark ends. */
export interface DataEnd {
  readonly end: number;
  readonly after: number;
}

/**
 * Finds the end of YAML that begins at an offset and is closed by `-)` or `->`. Marks in quotes and in block texts do not
 * close it. Undefined if nothing closes it.
 */
export function findYamlEnd(text: string, from: number, close: '-)' | '->'): DataEnd | undefined {
  if (!text.includes(close, from)) return undefined;
  const at = new YamlScanner(text, from).find(close);
  // a mark that only follows an unfinished quote, as in (- it's -), closes as well
  const end = at ?? text.indexOf(close, from);
  return end < 0 ? undefined : { end, after: end + close.length };
}

class YamlScanner {
  private lineStart: number;
  private readonly firstLine: number;
  private readonly first: number;

  constructor(
    private readonly text: string,
    private at: number,
  ) {
    this.lineStart = text.lastIndexOf('\n', at - 1) + 1;
    this.firstLine = this.lineStart;
    this.first = at;
  }

  find(close: string): number | undefined {
    const { text } = this;
    /** Whether a quote here begins a text in quotes: at the start of a scalar. */
    let isStart = true;
    while (this.at < text.length) {
      if (text.startsWith(close, this.at)) return this.at;
      const char = text[this.at] ?? '';
      if (isStart && (char === '"' || char === "'")) {
        if (!this.skipQuoted(char)) return undefined;
        isStart = false;
      } else if (isStart && (char === '|' || char === '>') && this.skipBlock()) isStart = true;
      else if (char === '#' && /\s/.test(text[this.at - 1] ?? ' ')) this.skipComment(close);
      else {
        if (char === '\n') this.lineStart = this.at + 1;
        if (!/[ \t\r]/.test(char)) isStart = /[\n:,[{?-]/.test(char);
        this.at += 1;
      }
    }
    return undefined;
  }

  private skipQuoted(quote: string): boolean {
    for (this.at += 1; this.at < this.text.length; this.at += 1) {
      const char = this.text[this.at];
      if (char === '\\' && quote === '"') this.at += 1;
      else if (char === quote) {
        this.at += 1;
        return true;
      }
    }
    return false;
  }

  private skipComment(close: string): void {
    while (this.at < this.text.length && this.text[this.at] !== '\n' && !this.text.startsWith(close, this.at))
      this.at += 1;
  }

  /** Skips a block text: the lines behind its header that are indented deeper than the line of the header. */
  private skipBlock(): boolean {
    const header = /[|>][-+0-9]*[ \t]*(?:#[^\n]*)?\r?\n/y;
    header.lastIndex = this.at;
    const found = header.exec(this.text);
    if (found === null) return false;
    const parent = this.columnOfKey();
    let line = this.at + found[0].length;
    while (line < this.text.length) {
      const [indent = ''] = /^[ ]*/.exec(this.text.slice(line, line + 1_000)) ?? [];
      const next = this.text.indexOf('\n', line);
      const end = next < 0 ? this.text.length : next;
      const isBlank = this.text.slice(line, end).trim() === '';
      if (!isBlank && indent.length <= parent) break;
      line = end + 1;
    }
    this.at = Math.min(line, this.text.length);
    this.lineStart = this.at;
    return true;
  }

  /** Column of the key whose value the block text is. */
  private columnOfKey(): number {
    const from = this.lineStart === this.firstLine ? this.first : this.lineStart;
    const [lead = ''] = /^\s*(?:- +)*/.exec(this.text.slice(from, this.at)) ?? [];
    return from - this.lineStart + lead.length;
  }
}

/** Finds the end of a JSON object or list that begins at an offset; undefined if it has none. */
export function findJsonEnd(text: string, from: number): number | undefined {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (char === '"') {
      const end = endOfText(text, at);
      if (end === undefined) return undefined;
      at = end;
    } else if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return undefined;
}

/** Offset of the closing quote. */
function endOfText(text: string, from: number): number | undefined {
  for (let at = from + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at;
  }
  return undefined;
}
