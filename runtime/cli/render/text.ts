import { styleText } from 'node:util';

export type Style = Parameters<typeof styleText>[0];

/** The capabilities of an output; a file has no width limit and no colors. */
export interface Medium {
  /** Columns per line; left out, unlimited. */
  readonly width?: number;
  readonly hasColors?: boolean;
}

/** The text in its style if the medium has colors. */
export function painted(text: string, style: Style | undefined, { hasColors }: Medium): string {
  return style === undefined || hasColors !== true ? text : styleText(style, text, { validateStream: false });
}

const graphemes = new Intl.Segmenter();
/** East Asian wide and fullwidth characters and emoji, which take two columns. */
const wide =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97C\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6]|[\u{20000}-\u{3FFFD}]|\p{Emoji_Presentation}|\uFE0F/u;
const ascii = /^[ -~]*$/;

/** The columns that a text takes on a terminal. The text must not contain control characters. */
export function displayWidth(text: string): number {
  if (ascii.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += wide.test(segment) ? 2 : 1;
  return width;
}

/** The text cut to `width` columns, with an ellipsis if it was cut. */
export function truncated(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  let used = 1;
  for (const { segment } of graphemes.segment(text)) {
    used += displayWidth(segment);
    if (used > width) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** The text in indented lines of at most `width` columns; a longer word gets its own line. */
export function wrapped(text: string, width: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && displayWidth(line) + displayWidth(word) + 5 > width) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  return [...lines, line].map((each) => `    ${each}\n`).join('');
}
