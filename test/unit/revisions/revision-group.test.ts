import {
  disableIn,
  latestOf,
  publishIn,
  type RevisionGroup,
  releaseIn,
  removeFrom,
} from '../../../lib/revisions/revision-group';

const empty: RevisionGroup = { id: 'g', name: 'RUL', revisions: [] };
const content = (tag: string, digest = tag, fixed = digest) => ({
  tag,
  name: 'RUL',
  category: '',
  digest,
  fixed,
  publishedAt: '2026-01-01T00:00:00.000Z',
  by: 'eva',
});
const at = (day: number) => ({ at: `2026-02-0${day}T00:00:00.000Z`, by: 'eva' });

function published(...tags: readonly string[]): RevisionGroup {
  return tags.reduce((group, tag) => publishIn(group, { ...content(tag), newId: tag }).group, empty);
}

test('HD-20: the latest revision is the one released last, of those that are not disabled', () => {
  let group = published('1.0', '1.1', '1.2');
  expect(latestOf(group)).toBeUndefined();
  group = releaseIn(releaseIn(group, '1.0', at(1)), '1.1', at(2));
  expect(latestOf(group)?.tag).toBe('1.1');
  group = disableIn(group, '1.1', at(3));
  expect(latestOf(group)?.tag).toBe('1.0');
});

test('a release is later than every other one, even when the clock went back', () => {
  const group = releaseIn(releaseIn(published('1', '2'), '1', at(5)), '2', at(1));
  expect(latestOf(group)?.tag).toBe('2');
});

test('a draft is replaced by its tag, and the same document changes nothing', () => {
  const group = published('1.0');
  const again = publishIn(group, { ...content('1.0'), newId: 'x' });
  expect([again.outcome, again.group]).toEqual(['unchanged', group]);
  const other = publishIn(group, { ...content('1.0', 'other'), newId: 'x' });
  expect([other.outcome, other.entry.id, other.group.revisions]).toEqual(['updated', '1.0', [other.entry]]);
});

test('of a released revision only documentation and test wiring can change', () => {
  const group = releaseIn(published('1.0'), '1.0', at(1));
  const documented = publishIn(group, { ...content('1.0', 'documented', '1.0'), newId: 'x' });
  expect([documented.outcome, documented.entry]).toEqual([
    'updated',
    expect.objectContaining({ state: 'Released', digest: 'documented' }),
  ]);
  expect(() => publishIn(group, { ...content('1.0', 'other'), newId: 'x' })).toThrow(
    'RUL:1.0 (1.0) is Released, and only its documentation and test wiring can change; publish it with another tag',
  );
  expect(() => publishIn(group, { ...content('2.0', '1.0', '1.0'), id: '1.0', newId: 'x' })).toThrow('is Released');
});

test('a tag stands for one revision', () => {
  expect(() => publishIn(published('1.0'), { ...content('1.0'), id: 'other', newId: 'x' })).toThrow(
    'RUL:1.0 is the revision 1.0; publish with another tag, or without an id',
  );
});

test('a draft by its id can get another tag', () => {
  const { outcome, entry } = publishIn(published('1.0'), { ...content('1.1', '1.0'), id: '1.0', newId: 'x' });
  expect([outcome, entry.tag]).toEqual(['updated', '1.1']);
});

test.each([
  [
    'disable a draft',
    () => disableIn(published('1'), '1', at(1)),
    'cannot disable 1 (1), which is Draft; release it first',
  ],
  [
    'release a disabled one',
    () => releaseIn(disableIn(releaseIn(published('1'), '1', at(1)), '1', at(2)), '1', at(3)),
    'cannot release 1 (1), which is Disabled; publish it with another tag',
  ],
  ['delete a released one', () => removeFrom(releaseIn(published('1'), '1', at(1)), '1'), 'cannot delete 1 (1)'],
  ['release what does not exist', () => releaseIn(empty, '1', at(1)), 'RUL has no revision 1'],
])('it is refused to %s', (_title, change, message) => {
  expect(change).toThrow(message);
});

test('a repeated release or disable changes nothing', () => {
  const released = releaseIn(published('1'), '1', at(1));
  expect(releaseIn(released, '1', at(2))).toBe(released);
  const disabled = disableIn(released, '1', at(2));
  expect(disableIn(disabled, '1', at(3))).toBe(disabled);
  expect(removeFrom(published('1', '2'), '1').revisions.map(({ tag }) => tag)).toEqual(['2']);
});
