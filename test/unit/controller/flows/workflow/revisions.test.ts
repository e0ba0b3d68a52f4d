import type { Revision } from '../../../../../runtime/controller/flows/ports/flow-record';
import { rollbackTarget } from '../../../../../runtime/controller/flows/workflow/revisions';
import { at } from './opened-flow';

/** Revisions from 1, in letters: the digest, in capitals where the revision was ready. */
function revisionsOf(letters: string): readonly Revision[] {
  return [...letters].map((letter, index) => ({
    number: index + 1,
    digest: letter.toLowerCase(),
    cause: 'update',
    by: 'me',
    at,
    ...(letter === letter.toLowerCase() ? {} : { isProven: true }),
  }));
}

describe('the newest revision is rolled back', () => {
  test.each([
    ['to the newest earlier one that was ready', 'AbCde', 2, 3],
    ['past the one applied before, if that was never ready', 'Abc', 2, 1],
    ['to the one applied before, if none was ever ready', 'abc', 2, 2],
    ['to a later copy of a document, not to the first', 'ABAc', 1, 3],
    ['not at all, if it was ready once', 'ABC', 2, undefined],
    ['not at all, if the target has the same document', 'Aba', 2, undefined],
    ['not at all, if it is the only one', 'a', 0, undefined],
  ])('%s', (_, letters, fallback, target) => {
    const revisions = revisionsOf(letters);
    const failed = revisions.at(-1) as Revision;
    expect(rollbackTarget(revisions, failed, fallback)?.number).toBe(target);
  });
});
