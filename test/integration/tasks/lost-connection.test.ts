import { taskSubject } from '../../../lib/plan/task-names';
import { JetStreamTaskLinks } from '../../../runtime/adapters/jetstream/tasks/task-links';
import type { Delivery } from '../../../runtime/engine/ports/delivery';
import { waitFor } from '../../support/wait-for';
import { JetStreamPlace } from '../jetstream/jetstream-place';

test('a worker takes what it holds for delivered to others as soon as its connection is lost', async () => {
  const place = await JetStreamPlace.start();
  const worker = { namespace: 'prod', taskNamespace: 'mail', worker: 'w' };
  const links = await JetStreamTaskLinks.open(place.connection, worker, () => undefined);
  const deliveries: Delivery[] = [];
  links.deliveries.start((delivery) => deliveries.push(delivery));
  links.deliveries.demand(1, 1_000_000);
  await place.connection.jetstream().publish(taskSubject('prod', { taskNamespace: 'mail', name: 'send' }), 'a task');
  await waitFor('the delivery', () => deliveries.length === 1);
  expect(deliveries[0]).toMatchObject({ deliveries: 1, isRepeated: false });
  links.disconnected();
  expect(deliveries[0]).toMatchObject({ deliveries: 1, isRepeated: true });
  links.deliveries.stop();
  links.close();
  await place.close();
});
