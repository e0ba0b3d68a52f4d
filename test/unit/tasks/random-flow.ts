import { createHash } from 'node:crypto';
import type { StartedStep } from '../../../lib/tasks/advance/execution-state';
import type { Random } from '../../support/random';
import { Failure } from './support';

/**
 * Writes random task flows. A task's name says what it does: `L…` gives a list, `F…` fails for some inputs, `O…` gives an
 * object, `T…` text.
 */
export class RandomFlow {
  private count = 0;

  constructor(private readonly random: Random) {}

  text(): string {
    const cleanup = this.random.next() < 0.3 ? `@finally ${this.call()};` : '';
    return `${this.statements(2)} ${cleanup}`;
  }

  private statements(depth: number): string {
    const label = this.random.next() < 0.3 ? `l${this.number()}` : undefined;
    const all = Array.from({ length: this.random.upTo(3) }, () => this.statement(depth));
    if (label === undefined) return all.join('; ');
    const [read, write] = [`:${label} → ${this.step(depth)}`, `${this.call()} :${label}`];
    return (
      this.random.next() < 0.5
        ? [read, ...all, write]
        : [...all, write, read, `${this.call()} → :${label}x`, `:${label}x → ${this.call()}`]
    ).join('; ');
  }

  private statement(depth: number): string {
    const source = this.random.next() < 0.15 ? '<- {a: 1} -> → ' : '';
    return source + Array.from({ length: this.random.upTo(3) }, () => this.step(depth)).join(' → ');
  }

  private step(depth: number): string {
    const kind = this.random.next();
    if (kind < 0.12)
      return `${this.call('L')} → * ${this.guard()}${this.run(depth, `map: {limit: ${this.random.upTo(3)}, tolerate: ${this.random.upTo(3) - 1}}`)}${this.caught(depth)}`;
    const merge = kind < 0.25 ? `{${this.call('O')} ${this.call('O')}} → > ` : '';
    return merge + this.guard() + this.run(depth) + this.caught(depth);
  }

  private guard(): string {
    return this.random.next() < 0.2 ? `? \`$[?(@.n < ${this.random.upTo(10)} or not @.n)]\` ` : '';
  }

  private caught(depth: number): string {
    return this.random.next() < 0.3 ? ` catch ${this.run(depth)}` : '';
  }

  private run(depth: number, limits?: string): string {
    if (depth > 0 && this.random.next() < 0.35) return `{ ${this.statements(depth - 1)} }${policyOf(limits)}`;
    return this.call(undefined, limits);
  }

  private call(kind = this.random.oneOf(['L', 'F', 'O', 'O', 'T', 'E']), limits?: string): string {
    const mayFail = kind !== 'L' && this.random.next() < 0.2;
    const optional = mayFail ? `optional: ${this.random.oneOf(['skip', 'skip-rest'])}` : undefined;
    return `${kind}${this.number()}${policyOf(optional, limits)}`;
  }

  private number(): number {
    this.count += 1;
    return this.count;
  }
}

function policyOf(...entries: readonly (string | undefined)[]): string {
  const given = entries.filter((entry) => entry !== undefined);
  return given.length === 0 ? '' : ` with (- {${given.join(', ')}} -)`;
}

/** What a task gives for its input; the same for the same name and input. `broken`: whether tasks that may fail do so. */
export function outputOf(name: string, { input }: StartedStep, broken: boolean): unknown {
  const digest = createHash('sha1')
    .update(name + comparable(input))
    .digest();
  const n = (digest[0] ?? 0) % 10;
  if (name.startsWith('F') && broken && n < 5) return new Failure({ code: 'random', message: 'failed' });
  if (name.startsWith('L')) return Array.from({ length: n % 4 }, (_, index) => ({ n: index, of: name }));
  if (name.startsWith('T')) return digest.toString('hex');
  return name.startsWith('E') && n < 5 ? {} : { [name]: digest.toString('hex'), n };
}

/** An input as text, without what depends on the order of ends: errors, and the results that a catch gets. */
export function comparable(input: unknown): string {
  return JSON.stringify(input, (key, value) => (key === 'error' || key === 'results' ? key : value));
}
