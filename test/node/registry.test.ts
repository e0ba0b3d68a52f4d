import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { closeAfterFile } from '../support/close-after-file';
import { InstalledController } from './stage/controller';
import { eventually } from './stage/eventually';
import { ControlledRun, type FlowRun, GitOpsRun } from './stage/flow-run';
import { kubectl, makeNamespace } from './stage/node';
import { jobId } from './stage/number-document';
import { ownNatsUrl, startOwnNats } from './stage/own-nats';
import { PrivateRegistry } from './stage/registry';

const flowOf = (namespace: string) => ({ namespace, mode: 'batch', count: 100, rate: 50 }) as const;
const folder = mkdtempSync(path.join(tmpdir(), 'kflow-pulls-'));
closeAfterFile('the folder of servers', async () => rmSync(folder, { recursive: true }));

let registry: PrivateRegistry;
beforeAll(async () => {
  registry = await PrivateRegistry.start();
});

async function expectAll(run: FlowRun): Promise<void> {
  await run.untilSettled(0);
  expect(await run.numbers()).toEqual(Array.from({ length: run.flow.count }, (_, index) => index));
  await run.close();
}

test('pods of manifests say that the registry refuses them, and run once the Secret is there', async () => {
  const options = ['--image-pull-secret', 'registry'];
  const run = new GitOpsRun(flowOf('pulls-gitops'), { image: registry.image, options });
  await run.start();
  await eventually('the events of the pods say why', async () =>
    /failed to authorize|401 Unauthorized/.test(await kubectl(['get', 'events', '-n', run.namespace])),
  );
  expect(registry.served).toEqual([]);
  await registry.admit(run.namespace);
  await expectAll(run);
  expect(registry.served).toContain('HEAD /v2/team/kflow/manifests/1');
});

test('a controller and its flows are pulled; a flow without the Secret says why it waits', async () => {
  const [namespace, flowNamespace] = ['kflow-pulls', 'pulls-controlled'];
  await startOwnNats(folder, 'pulls');
  for (const each of [namespace, flowNamespace]) await makeNamespace(each);
  await registry.admit(namespace);
  const controller = await InstalledController.open({
    namespace,
    natsUrl: ownNatsUrl('pulls'),
    image: registry.image,
    options: ['--image-pull-secret', 'registry', '--watch-namespaces', flowNamespace],
    settings: {},
  });
  const run = new ControlledRun(flowOf(flowNamespace), controller);
  await run.start();
  const { health } = await eventually(
    'the flow says why',
    () => controller.status(flowNamespace, jobId),
    ({ health: { problems } }) => problems.some(({ reason }) => reason === 'ImagePullBackOff'),
  );
  expect(health.state).toBe('unhealthy');
  expect(health.problems.map(({ message }) => message).join()).toContain(registry.image);
  await registry.admit(flowNamespace);
  await expectAll(run);
  await controller.remove();
});
