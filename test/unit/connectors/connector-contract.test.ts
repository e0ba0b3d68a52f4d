import { sinkConnector, sinkTypes, sourceConnector, sourceTypes } from '../../../runtime/connectors/registry';
import { MemoryPlace } from '../../contract/connector-suite/memory-place';
import { bulkObjects, sinkFixtures } from '../../contract/connector-suite/sink-fixtures';
import { describeSink } from '../../contract/connector-suite/sink-suite';
import { sourceFixtures } from '../../contract/connector-suite/source-fixtures';
import { describeSource } from '../../contract/connector-suite/source-suite';
import { describeObjectStore } from '../../contract/object-store-suite';
import { MemoryObjectStore } from '../../support/memory-object-store';

test('every registered connector has a fixture of the contract suite', () => {
  expect(Object.keys(sourceFixtures).sort()).toEqual([...sourceTypes].sort());
  expect(Object.keys(sinkFixtures).sort()).toEqual([...sinkTypes].sort());
});

const store = new MemoryObjectStore();
describeObjectStore('the object store in memory', () => store);

const place = new MemoryPlace();
for (const type of sourceTypes) {
  describeSource(type, { connector: sourceConnector(type), fixture: sourceFixtures[type], place: () => place });
}
for (const type of sinkTypes) {
  describeSink(type, { connector: sinkConnector(type), fixture: sinkFixtures[type], place: () => place });
}
describeSink('s3-sink in bulk mode', { connector: sinkConnector('s3-sink'), fixture: bulkObjects, place: () => place });
