import type { FunctionSpec, OutputSpec } from '../../lib/plan/function-spec';
import type { WrittenSchema } from '../../lib/topology/avro/avro-type';
import type { Interruption } from './interruptions';

/** A function of a test, as it runs: one replica or more, until its inputs end. */
export interface TestedFunction {
  readonly spec: FunctionSpec;
  /** Its environment variables, beside those of this process. */
  readonly env: { readonly [name: string]: string };
}

/** An output that a test can expect: `FUNCTION` or `FUNCTION.SIDE`, or what a sink writes. */
export type TestedEdge =
  | { readonly name: string; readonly is: 'stream'; readonly stream: string }
  | { readonly name: string; readonly is: 'sink'; readonly function: string };

/** Everything that a test runs, with its input in Avro. */
export interface TestPlan {
  readonly functions: readonly TestedFunction[];
  /** The messages of each output that the test writes, in order; none for the others that the functions read. */
  readonly input: readonly { readonly output: OutputSpec; readonly payloads: readonly Uint8Array[] }[];
  readonly interruptions: readonly Interruption[];
  /** The stream of a source that runs, and how many records it takes. */
  readonly limit?: { readonly stream: string; readonly records: number };
  readonly edges: readonly TestedEdge[];
  /** Schemas of the topology. */
  readonly schemas: readonly WrittenSchema[];
  /** Stream of the dead letters. */
  readonly deadLetters: string;
  /** Folder of the topology, to which modules are relative. */
  readonly baseDir: string;
  /** Folders that stand for buckets. */
  readonly buckets: { readonly [bucket: string]: string };
  readonly timeoutMs: number;
}
