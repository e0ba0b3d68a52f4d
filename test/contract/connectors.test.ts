import { sinkTypes, sourceTypes } from '../../runtime/connectors/registry';
import { ServerPlace } from './connector-suite/server-place';
import { describeSink } from './connector-suite/sink-suite';
import { describeSource } from './connector-suite/source-suite';

let place: ServerPlace;
beforeAll(async () => {
  place = await ServerPlace.start();
});
afterAll(() => place?.close());

for (const type of sourceTypes) describeSource(type, () => place);
for (const type of sinkTypes) describeSink(type, () => place);
