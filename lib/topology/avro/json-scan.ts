import type { DocumentPath } from '../problem/document-path';

const maxDepth = 200;
const literal = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids control characters in a string
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const space = /[ \t\r\n]*/y;

export interface JsonScan {
  /** The first place where the text stops being JSON. */
  readonly fault?: { readonly offset: number; readonly message: string };
  /** Where the value at a path begins, or the innermost around it. */
  offsetOf(path: DocumentPath): number;
}

/** Walks JSON text for the offsets of its values, or of the character that makes it no JSON. */
export function scanJson(text: string): JsonScan {
  const scanner = new JsonScanner(text);
  const fault = scanner.scan();
  const offsetOf = (path: DocumentPath): number => {
    for (let length = path.length; length >= 0; length -= 1) {
      const offset = scanner.offsets.get(keyOf(path.slice(0, length)));
      if (offset !== undefined) return offset;
    }
    return 0;
  };
  return fault === undefined ? { offsetOf } : { fault, offsetOf };
}

function keyOf(path: DocumentPath): string {
  return path.join('\u0000');
}

class JsonFault {
  constructor(
    readonly offset: number,
    readonly message: string,
  ) {}
}

class JsonScanner {
  readonly offsets = new Map<string, number>();
  private at = 0;

  constructor(private readonly text: string) {}

  scan(): JsonFault | undefined {
    try {
      this.value([]);
      this.skip();
      return this.at < this.text.length ? this.fault('the JSON ended before this') : undefined;
    } catch (fault) {
      if (fault instanceof JsonFault) return fault;
      throw fault;
    }
  }

  private value(path: DocumentPath): void {
    this.skip();
    this.offsets.set(keyOf(path), this.at);
    if (path.length > maxDepth) throw this.fault(`nested deeper than ${maxDepth} levels`);
    const first = this.text[this.at];
    if (first === '{') this.map(path);
    else if (first === '[') this.list(path);
    else if (first === '"') this.string();
    else if (this.take(literal) === undefined) throw this.fault('a value is expected');
  }

  private map(path: DocumentPath): void {
    this.at += 1;
    if (this.isNext('}')) return;
    for (;;) {
      this.skip();
      if (this.text[this.at] !== '"') throw this.fault('a key in double quotes is expected');
      const key = this.string();
      if (!this.isNext(':')) throw this.fault('":" is expected after the key');
      this.value([...path, JSON.parse(key) as string]);
      if (this.isNext('}')) return;
      if (!this.isNext(',')) throw this.fault('"," or "}" is expected');
    }
  }

  private list(path: DocumentPath): void {
    this.at += 1;
    if (this.isNext(']')) return;
    for (let index = 0; ; index += 1) {
      this.value([...path, index]);
      if (this.isNext(']')) return;
      if (!this.isNext(',')) throw this.fault('"," or "]" is expected');
    }
  }

  private string(): string {
    const taken = this.take(string);
    if (taken === undefined) throw this.fault('the text that begins here has no end, or a character JSON forbids');
    return taken;
  }

  private isNext(mark: string): boolean {
    this.skip();
    if (this.text[this.at] !== mark) return false;
    this.at += 1;
    return true;
  }

  private skip(): void {
    this.take(space);
  }

  private take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const taken = pattern.exec(this.text)?.[0];
    this.at += taken?.length ?? 0;
    return taken;
  }

  private fault(message: string): JsonFault {
    const got = this.at >= this.text.length ? 'the end of the text' : `"${this.text[this.at]}"`;
    return new JsonFault(this.at, `${message}, got ${got}`);
  }
}
