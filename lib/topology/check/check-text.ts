import { childrenOf } from '../../plain-map';
import type { DocumentPath } from '../problem/document-path';
import type { ProblemList } from '../read/problem-list';

/** Half a character (a lone surrogate, as "\\ud800" makes one) can be in no file and no manifest. */
export function checkText(value: unknown, path: DocumentPath, problems: ProblemList): void {
  if (typeof value === 'string' && /\p{Surrogate}/u.test(value)) {
    const message =
      'has half a character in it (a lone surrogate, as \\ud800); write the whole one, or escape it twice';
    problems.add({ code: 'setting-invalid', path, message });
  }
  for (const [step, inner] of childrenOf(value)) checkText(inner, [...path, step], problems);
}
