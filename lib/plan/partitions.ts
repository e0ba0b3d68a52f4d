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
