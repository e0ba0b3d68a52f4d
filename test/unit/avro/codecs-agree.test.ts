import { compareCodecs } from '../../fuzz/compare-codecs';

const seed = 20261129;
const pairs = 300;

test(`TypeScript and Python, and fastavro where it is installed, agree on ${pairs} random pairs of schemas, seed ${seed}`, async () => {
  const { differences, ...found } = await compareCodecs(seed, pairs);
  expect(differences).toEqual([]);
  expect(found.pairs).toBe(pairs);
  // Most schemas are valid and resolve, and enough values are refused.
  expect(found.valid).toBeGreaterThan(0.9 * pairs);
  expect(found.resolved).toBeGreaterThan(0.9 * pairs);
  expect(found.refused).toBeGreaterThan(pairs);
});
