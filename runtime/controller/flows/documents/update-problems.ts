import type { Problem } from '../../../../lib/topology/problem/problem';
import { parseDocument } from '../../../../lib/topology/read/parse-document';
import type { UpdateDifference } from '../../../../lib/topology/update/update-difference';
import { documentName } from './read-flow-document';

/** What an update may not do, as problems at their places in the new document's text. */
export function updateProblems(text: string, differences: readonly UpdateDifference[]): readonly Problem[] {
  const { source } = parseDocument(text, documentName);
  return differences.map(({ path, place, message }) => ({
    severity: 'error',
    code: 'update-refused',
    ...(source?.keyPositionOf(place) ?? { file: documentName, line: 1, col: 1 }),
    path,
    message,
  }));
}
