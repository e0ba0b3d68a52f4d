import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';
import { type Medium, painted, type Style } from './text';

interface Side {
  readonly name: string;
  readonly text: string;
}

/** A unified diff with three lines of context, below two lines with the names. */
export function patchOf(before: Side, after: Side): string {
  return createTwoFilesPatch(before.name, after.name, before.text, after.text, undefined, undefined, {
    context: 3,
    headerOptions: FILE_HEADERS_ONLY,
  });
}

const colors: { readonly [sign: string]: Style } = { '+': 'green', '-': 'red', '@': 'cyan' };

/** A unified diff with colors, if the medium has them. */
export function paintedPatch(patch: string, medium: Medium): string {
  return patch.replace(/^[+\-@].*$/gm, (line) => painted(line, colors[line.charAt(0)], medium));
}
