import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';
import { hiddenDocument } from './hide-secrets';

/** How the two documents are called in a diff: `revision 3`. */
export interface DiffNames {
  readonly from: string;
  readonly to: string;
}

/**
 * Unified diff of two documents without their secrets; one that has another value is `*** (changed)`. Empty when the
 * documents are equal.
 */
export function diffDocuments(from: string, to: string, names: DiffNames): string {
  if (from === to) return '';
  const [before, after] = [hiddenDocument(inLines(from)), hiddenDocument(inLines(to))];
  const values = new Map(before.spans.map(({ name, value }) => [name, value]));
  const shown = after.show(({ name, value }) => name !== undefined && (values.get(name) ?? value) !== value);
  if (before.show() === shown) return '';
  return createTwoFilesPatch(names.from, names.to, before.show(), shown, undefined, undefined, {
    context: 3,
    headerOptions: FILE_HEADERS_ONLY,
  });
}

/** JSON that a program has written on one line says in a diff only that it is another one. */
function inLines(text: string): string {
  const line = text.trim();
  if (!line.startsWith('{') || line.includes('\n')) return text;
  try {
    return `${JSON.stringify(JSON.parse(line), null, 2)}\n`;
  } catch {
    return text; // YAML that begins as JSON does
  }
}
