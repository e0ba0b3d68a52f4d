import { parseExactJson } from '../../lib/topology/avro/exact-json';
import { decodeLetter } from '../engine/letters/letter-headers';
import type { MemoryFlow } from './memory-flow';
import type { TestPlan } from './test-plan';

/** A failed attempt, or the dead letter that it became, as a test expects it. */
export interface ObservedFailure {
  readonly function: string;
  readonly type: string;
  readonly message: string;
  /** The record; its message in base64 if it cannot be read. */
  readonly record: unknown;
  /** Number of attempts that failed so. */
  readonly attempts: number;
  readonly reason?: string;
  /** Traceback in user code. */
  readonly trace?: string;
  /** The record's message, which connects letters and errors. */
  readonly origin: string;
}

export function isObservedFailure(value: unknown): value is ObservedFailure {
  const { origin, attempts } = (value ?? {}) as Partial<ObservedFailure>;
  return typeof origin === 'string' && typeof attempts === 'number';
}

/** Everything that a test can expect, as JSON with bigints for integers beyond 2^53. */
export interface Observed {
  /** The records of each edge. */
  readonly outputs: ReadonlyMap<string, readonly unknown[]>;
  readonly letters: readonly ObservedFailure[];
  /** One for each record and error. */
  readonly errors: readonly ObservedFailure[];
}

export async function observe(plan: TestPlan, flow: MemoryFlow): Promise<Observed> {
  const outputs = new Map<string, readonly unknown[]>();
  for (const edge of plan.edges) {
    const texts =
      edge.is === 'sink'
        ? flow.writtenBy(edge.function)
        : await Promise.all(flow.streams.stream(edge.stream).messages.map(({ payload }) => flow.json(payload)));
    outputs.set(edge.name, texts.map(parseExactJson));
  }
  return { outputs, letters: await lettersOf(plan, flow), errors: await errorsOf(flow) };
}

async function lettersOf({ deadLetters }: TestPlan, flow: MemoryFlow): Promise<readonly ObservedFailure[]> {
  const { messages } = flow.streams.stream(deadLetters);
  return Promise.all(
    messages.map(async ({ id, payload, headers = {} }) => {
      const letter = decodeLetter((name) => (name === 'Nats-Msg-Id' ? id : (headers[name] ?? '')));
      const isOfSource = letter.stream === ''; // its record could not become a message: the letter has it as JSON
      return {
        function: letter.function,
        type: letter.errorType,
        message: letter.error,
        reason: letter.reason,
        record: isOfSource ? parseExactJson(Buffer.from(payload).toString()) : await recordOf(flow, payload),
        attempts: letter.deliveries,
        ...(letter.trace === undefined ? {} : { trace: letter.trace }),
        origin: `${letter.function} ${letter.stream}:${letter.sequence}`,
      };
    }),
  );
}

async function errorsOf(flow: MemoryFlow): Promise<readonly ObservedFailure[]> {
  const found = new Map<string, ObservedFailure>();
  for (const { function: id, stream, sequence, payload, failure } of flow.attempts) {
    const { type, message, trace } = failure;
    const origin = `${id} ${stream}:${sequence}`;
    const key = `${origin} ${type} ${message}`;
    const known = found.get(key);
    found.set(key, {
      function: id,
      type,
      message,
      record: known?.record ?? (await recordOf(flow, payload)),
      attempts: (known?.attempts ?? 0) + 1,
      ...(trace === undefined ? {} : { trace }),
      origin,
    });
  }
  return [...found.values()];
}

async function recordOf(flow: MemoryFlow, payload: Uint8Array): Promise<unknown> {
  try {
    return parseExactJson(await flow.json(payload));
  } catch {
    return Buffer.from(payload).toString('base64');
  }
}
