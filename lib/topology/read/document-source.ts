import type { LineCounter } from 'yaml';
import type { DocumentPath } from '../problem/problem';

/** Position of a value in the text. Offsets start at 0; `-1` for a value of `--set`. */
export interface Place {
  readonly at: number;
  /** Offset of the key of the value; in a list, of the value itself. */
  readonly key: number;
  /** A plain scalar as written, which may differ from its value: `007`. */
  readonly written?: string;
  /** Whether the value is a literal block, whose lines are lines of the document. */
  readonly isBlock?: boolean;
  readonly children?: ReadonlyMap<string | number, Place>;
}

export interface Position {
  readonly file: string;
  readonly line: number;
  readonly col: number;
}

/** A document as plain data, with the position of each value in the text. */
export class DocumentSource {
  constructor(
    readonly value: unknown,
    private readonly root: Place,
    private readonly origin: { readonly file: string; readonly text: string; readonly lines: LineCounter },
  ) {}

  /** The same text with changed data, as after `--set`. */
  withValue(value: unknown, root: Place): DocumentSource {
    return new DocumentSource(value, root, this.origin);
  }

  get place(): Place {
    return this.root;
  }

  /** Position of the value, or of the innermost value around it that is in the text. */
  positionOf(path: DocumentPath): Position {
    return this.positionAt(this.placeOf(path).at);
  }

  /** Position of the key of the value. */
  keyPositionOf(path: DocumentPath): Position {
    return this.positionAt(this.placeOf(path).key);
  }

  /** Position of a character in a text value: exact in a literal block, otherwise the position of the value. */
  positionInText(path: DocumentPath, offset: number): Position {
    const place = this.placeOf(path);
    if (!place.isBlock || place.at < 0) return this.positionAt(place.at);
    const value = this.textAt(path);
    const before = value.slice(0, offset).split('\n');
    const header = this.origin.lines.linePos(place.at).line;
    const line = header + before.length;
    const wanted = value.split('\n')[before.length - 1] ?? '';
    const indent = Math.max(0, this.lineText(line).length - wanted.length);
    return { file: this.origin.file, line, col: indent + (before.at(-1)?.length ?? 0) + 1 };
  }

  /** The scalar as written in the document, if it is a plain one. */
  writtenAt(path: DocumentPath): string | undefined {
    return this.placeOf(path).written;
  }

  private textAt(path: DocumentPath): string {
    let value: unknown = this.value;
    for (const step of path) value = (value as { readonly [key: string | number]: unknown } | undefined)?.[step];
    return typeof value === 'string' ? value : '';
  }

  private lineText(line: number): string {
    const start = this.origin.lines.lineStarts[line - 1] ?? 0;
    const end = this.origin.lines.lineStarts[line] ?? this.origin.text.length;
    return this.origin.text.slice(start, end).replace(/\r?\n$/, '');
  }

  private placeOf(path: DocumentPath): Place {
    let place = this.root;
    for (const step of path) {
      const child = place.children?.get(step);
      if (child === undefined) break;
      place = child;
    }
    return place;
  }

  private positionAt(offset: number): Position {
    if (offset < 0) return { file: '--set', line: 1, col: 1 };
    const { line, col } = this.origin.lines.linePos(offset);
    return { file: this.origin.file, line: Math.max(1, line), col: Math.max(1, col) };
  }
}
