import { bucketTopics } from '../../../../lib/topology/function-types/bucket-topics';
import type { FunctionTypeDescriptor } from '../../../../lib/topology/function-types/function-type-descriptor';
import { natsSink } from '../../../../lib/topology/function-types/nats-sink';
import { raw } from '../../../../lib/topology/function-types/raw';

/** `npm run types` fails if the line below `@ts-expect-error` compiles. */
test('topics require a connection, which carries them to the replicas', () => {
  const topics = bucketTopics('the bucket to read');
  const connected: FunctionTypeDescriptor = { ...natsSink, topics };
  // @ts-expect-error replicas of a type that connects to nothing get no topics
  const unconnected: FunctionTypeDescriptor = { ...raw, topics };
  expect([connected.topics, unconnected.topics]).toEqual([topics, topics]);
});
