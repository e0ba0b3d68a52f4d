import { askTypeScript, type Question } from './codec-pair';
import { OtherCodecs } from './other-codecs';

export interface Comparison {
  readonly pairs: number;
  readonly values: number;
  /** Pairs whose schemas TypeScript compiles, and pairs that resolve. */
  readonly valid: number;
  readonly resolved: number;
  /** Values that both languages refuse. */
  readonly refused: number;
  readonly withFastavro: boolean;
  readonly differences: readonly string[];
}

const chunk = 200;
/** After as many differences, others are likely to have the same cause. */
const maxDifferences = 20;

/** Compares the codecs on `pairs` pairs of schemas, beginning with the pair number `first` of this seed. */
export async function compareCodecs(seed: number, pairs: number, first = 0): Promise<Comparison> {
  const others = new OtherCodecs();
  const total = { pairs: 0, values: 0, valid: 0, resolved: 0, refused: 0 };
  const differences: string[] = [];
  try {
    for (let from = first; from < first + pairs && differences.length < maxDifferences; from += chunk) {
      const numbers = Array.from({ length: Math.min(chunk, first + pairs - from) }, (_, index) => from + index);
      const questions = numbers.map((pair) => askTypeScript(seedOf(seed, pair)));
      const found = await others.ask(questions);
      questions.forEach((question, index) => {
        count(question, total);
        for (const difference of found[index] ?? []) {
          const repeat = `npm run fuzz -- --seed ${seed} --pairs 1 --first ${numbers[index]}`;
          differences.push(`${difference}\n  schema ${question.schema}\n  repeat ${repeat}`);
        }
      });
    }
  } finally {
    await others.end();
  }
  return { ...total, withFastavro: others.hasFastavro, differences };
}

function seedOf(seed: number, pair: number): number {
  return Math.imul(seed, 0x9e3779b1) + Math.imul(pair, 0x85ebca77);
}

function count(
  question: Question,
  total: { pairs: number; values: number; valid: number; resolved: number; refused: number },
): void {
  total.pairs++;
  total.values += question.cases.length;
  if (question.isValid) total.valid++;
  if (question.reader !== undefined) total.resolved++;
  total.refused += question.cases.filter(({ encoded }) => encoded !== undefined && 'error' in encoded).length;
}
