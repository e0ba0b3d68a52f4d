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
  const [before, after] = [hiddenDocument(from), hiddenDocument(to)];
  const values = new Map(before.spans.map(({ name, value }) => [name, value]));
  const shown = after.show(({ name, value }) => name !== undefined && (values.get(name) ?? value) !== value);
  if (before.show() === shown) return '';
  return createTwoFilesPatch(names.from, names.to, before.show(), shown, undefined, undefined, {
    context: 3,
    headerOptions: FILE_HEADERS_ONLY,
  });
}
