import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';
import { hiddenDocument } from '../../../../lib/topology/secrets/hide-secrets';

/** Names of the two documents in a diff: `revision 3`. */
export interface DiffNames {
  readonly from: string;
  readonly to: string;
}

/**
 * Unified diff of two documents with their secrets hidden; a secret that changed is shown as `*** (changed)`. Empty if the
 * documents are equal.
 */
export function diffDocuments(from: string, to: string, names: DiffNames): string {
  if (from === to) return '';
  const [before, after] = [hiddenDocument(spread(from)), hiddenDocument(spread(to))];
  const values = new Map(before.spans.map(({ name, value }) => [name, value]));
  const shown = after.show(({ name, value }) => name !== undefined && (values.get(name) ?? value) !== value);
  if (before.show() === shown) return '';
  return createTwoFilesPatch(names.from, names.to, before.show(), shown, undefined, undefined, {
    context: 3,
    headerOptions: FILE_HEADERS_ONLY,
  });
}

/** Formats JSON that is on one line, because a diff compares lines. */
function spread(text: string): string {
  const line = text.trim();
  if (!line.startsWith('{') || line.includes('\n')) return text;
  try {
    return `${JSON.stringify(JSON.parse(line), null, 2)}\n`;
  } catch {
    return text; // YAML that starts like JSON
  }
}
