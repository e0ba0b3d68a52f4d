import {
  isDnsLabel,
  isDnsSubdomain,
  maxLabelLength,
  singleDashLabel,
  toDnsLabel,
} from '../../../../lib/topology/document/dns-label';

const rules = {
  label: isDnsLabel,
  'single-dash label': (name: string) => singleDashLabel.test(name),
  subdomain: isDnsSubdomain,
};
type Rule = keyof typeof rules;

const longest = 'x'.repeat(maxLabelLength);
const every: readonly Rule[] = ['label', 'single-dash label', 'subdomain'];

const table: readonly (readonly [name: string, accepted: readonly Rule[]])[] = [
  ['a', every],
  ['9', every],
  ['etl-jobs-2', every],
  ['a--b', ['label', 'subdomain']],
  ['a.b-c.9', ['subdomain']],
  ['', []],
  ['-a', []],
  ['a-', []],
  ['A', []],
  ['a_b', []],
  ['a\n', []],
  ['a..b', []],
  ['a.-b', []],
  ['../a', []],
];

test.each(table)('%j is accepted exactly as: %j', (name, accepted) => {
  expect(every.filter((rule) => rules[rule](name))).toEqual(accepted);
});

test('a label has at most 63 characters, a subdomain 253', () => {
  expect([isDnsLabel(longest), isDnsLabel(`${longest}x`)]).toEqual([true, false]);
  const subdomain = 'a.'.repeat(126);
  expect([isDnsSubdomain(`${subdomain}b`), isDnsSubdomain(`${subdomain}bc`)]).toEqual([true, false]);
});

test.each([
  ['etl_Jobs.v2', 'etl-jobs-v2'],
  ['--a  b--', 'a-b'],
  ['äöü', ''],
])('the text %j becomes the label %j', (text, label) => {
  expect(toDnsLabel(text)).toBe(label);
});

test('a long text becomes a label of the maximal length, without a dash at the end', () => {
  expect(toDnsLabel(`${longest}x`)).toBe(longest);
  expect(toDnsLabel('abc def', 4)).toBe('abc');
});
