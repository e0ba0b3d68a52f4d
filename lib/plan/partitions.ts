import { inTopologicalOrder, upstreamsOf } from '../topology/document/graph';
import type { FlowFunction, Topology } from '../topology/document/topology';
import { descriptorOf } from '../topology/function-types/function-type';
import type { OutputSpec } from './function-spec';

/** A durable consumer, of a whole stream or of one of its partitions. */
export interface ConsumerRef {
  readonly stream: string;
  readonly durable: string;
  readonly subject: string;
  readonly partition?: number;
}

/** An input as the spec of its reader has it. */
interface KeyedInput extends Pick<ConsumerRef, 'stream' | 'durable' | 'subject'> {
  readonly partitions?: number | undefined;
}

/** The subject of a partition; of all partitions with the wildcard `*`. */
export function partitionSubject(subject: string, partition: number | '*'): string {
  return `${subject}.${partition}`;
}

/** The subject of the stream of an output. */
export function streamSubject({ subject, partitions }: Pick<OutputSpec, 'subject' | 'partitions'>): string {
  return partitions === undefined ? subject : partitionSubject(subject, '*');
}

/** The end of the names of a partition's consumer; empty for a consumer of a whole stream. */
export function partitionEnding({ partition }: Pick<ConsumerRef, 'partition'>): string {
  return partition === undefined ? '' : `_p${partition}`;
}

/** The consumers of an input: one, or one for each partition. */
export function consumersOf({ stream, durable, subject, partitions }: KeyedInput): readonly ConsumerRef[] {
  if (partitions === undefined) return [{ stream, durable, subject }];
  return Array.from({ length: partitions }, (_, partition) => ({
    stream,
    durable: `${durable}${partitionEnding({ partition })}`,
    subject: partitionSubject(subject, partition),
    partition,
  }));
}

/** The consumers of an input that a replica reads, of `replicas`; a consumer without a partition is shared by all of them. */
export function ownConsumersOf(
  input: KeyedInput,
  { replica, replicas }: { readonly replica: number; readonly replicas: number },
): readonly ConsumerRef[] {
  return consumersOf(input).filter(({ partition }) => partition === undefined || partition % replicas === replica);
}

/** The field whose value is the key of each record that a function emits; undefined if it emits the keys of its input, or none. */
export function ownKeyOf({ type, partitionBy }: FlowFunction): string | undefined {
  return descriptorOf(type).kind === 'sink' ? undefined : partitionBy;
}

/** Whether the records of an output have keys: those of `from`, or of its side output `side`. */
export function hasKeys(topology: Topology, from: string, side?: string): boolean {
  return keyed(topology)[side === undefined ? 'writers' : 'readers'].has(from);
}

/** Whether a function gets records with keys. */
export function readsKeys(topology: Topology, id: string): boolean {
  return keyed(topology).readers.has(id);
}

interface Keyed {
  readonly writers: ReadonlySet<string>;
  readonly readers: ReadonlySet<string>;
}

/** Topologies are immutable, so each is searched once. */
const searched = new WeakMap<Topology, Keyed>();

function keyed(topology: Topology): Keyed {
  const known = searched.get(topology);
  if (known !== undefined) return known;
  const writers = new Set<string>();
  const readers = new Set<string>();
  for (const fn of inTopologicalOrder(topology)) {
    const isReader = upstreamsOf(topology, fn.id).some(({ from, side }) =>
      (side === undefined ? writers : readers).has(from),
    );
    if (isReader) readers.add(fn.id);
    if (isReader || ownKeyOf(fn) !== undefined) writers.add(fn.id);
  }
  const found = { writers, readers };
  searched.set(topology, found);
  return found;
}
