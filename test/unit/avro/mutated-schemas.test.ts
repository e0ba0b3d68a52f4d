import { readAvroType } from '../../../lib/topology/avro/avro-type-reader';
import { AvroCodec } from '../../../runtime/avro/avro-codec';
import type { Question } from '../../fuzz/codec-pair';
import { mutatedSchema, stockOfSchemas } from '../../fuzz/mutated-schema';
import { OtherCodecs } from '../../fuzz/other-codecs';
import { Random, seed } from '../../support/random';

const schemas = 2000;

test(`lint accepts a schema if and only if both codecs compile it: ${schemas} mutated schemas`, async () => {
  const random = new Random(seed);
  const stock = stockOfSchemas();
  const questions = Array.from({ length: schemas }, (): Question => {
    const schema = mutatedSchema(random, stock);
    return { schema, isValid: readAvroType(schema).faults.length === 0, cases: [] };
  });
  const valid = questions.filter(({ isValid }) => isValid);
  for (const { schema } of valid) expect(compiles(schema)).toBe(true);
  const python = new OtherCodecs(false);
  const differences = await python.ask(questions);
  await python.end();
  expect(questions.filter((_, index) => differences[index]?.length !== 0)).toEqual([]);
  expect(valid.length).toBeGreaterThan(schemas / 10);
  expect(valid.length).toBeLessThan((schemas * 9) / 10);
});

/** Compiles all functions of a schema, which they do at first use. */
function compiles(schema: string): boolean {
  const codec = new AvroCodec(schema);
  codec.misfit(Symbol('no value'));
  try {
    codec.decode(Buffer.of());
    return true;
  } catch (error) {
    return (error as { readonly code?: string }).code === 'record-invalid';
  }
}
