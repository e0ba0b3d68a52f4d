/**
 * Fuzz run of the Avro codecs: random schemas, values and readers' schemas, on which TypeScript, Python and fastavro must
 * agree: the bytes written, the values read, what is refused.
 *
 *   npm run fuzz                                   1,000 pairs of schemas, of a random seed, which is printed
 *   npm run fuzz -- --pairs 10000 --seed 7
 *   npm run fuzz -- --pairs 1 --seed 7 --first 123  one pair of that run
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { compareCodecs } from './compare-codecs';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { pairs: { type: 'string' }, seed: { type: 'string' }, first: { type: 'string' } },
  });
  const seed = Number(values.seed ?? process.env.KFLOW_SEED ?? randomInt(1_000_000));
  const pairs = Number(values.pairs ?? 1000);
  process.stdout.write(`fuzz: seed ${seed}, ${pairs} pairs\n`);
  const { differences, ...found } = await compareCodecs(seed, pairs, Number(values.first ?? 0));
  for (const difference of differences) process.stdout.write(`${difference}\n`);
  const codecs = found.withFastavro
    ? 'TypeScript, Python, fastavro'
    : 'TypeScript, Python (no fastavro: sh tools/python-venv.sh)';
  process.stdout.write(
    `fuzz: ${codecs}: ${found.pairs} pairs (${found.valid} valid, ${found.resolved} resolved), ${found.values} values ` +
      `(${found.refused} refused), ${differences.length} differences\n`,
  );
  process.exitCode = differences.length === 0 ? 0 : 1;
}

void main();
