import { sinkConnector, sinkTypes, sourceConnector, sourceTypes } from '../../runtime/connectors/registry';
import { ServerPlace } from './connector-suite/server-place';
import { bulkObjects, sinkFixtures } from './connector-suite/sink-fixtures';
import { describeSink } from './connector-suite/sink-suite';
import { sourceFixtures } from './connector-suite/source-fixtures';
import { describeSource } from './connector-suite/source-suite';

let place: ServerPlace;
beforeAll(async () => {
  place = await ServerPlace.start();
});
afterAll(() => place?.close());

for (const type of sourceTypes) {
  describeSource(type, { connector: sourceConnector(type), fixture: sourceFixtures[type], place: () => place });
}
for (const type of sinkTypes) {
  describeSink(type, { connector: sinkConnector(type), fixture: sinkFixtures[type], place: () => place });
}
describeSink('s3-sink in bulk mode', { connector: sinkConnector('s3-sink'), fixture: bulkObjects, place: () => place });
