import { ControlledFlow } from './controlled-flow';
import { ControllerStage } from './controller-stage';

const namespace = 'lost-node';
let stage: ControllerStage;

beforeAll(async () => {
  stage = await ControllerStage.open(namespace);
});
afterAll(() => stage?.close());

test('replicas of a node that does not report say so, also when they should have ended', async () => {
  const flow = new ControlledFlow(stage.api, namespace, 'away');
  const node = await stage.kubelet.reportReady();
  await flow.run();
  const [pod] = await stage.podsOf('away', 'map');
  stage.kubelet.silence();
  const isSilent = ({ reason }: { readonly reason: string }) => reason === 'NodeNotReady';
  const lost = await stage.api.until(
    flow.name,
    ({ health }) => health.problems.filter(isSilent).length === 3 && health.state === 'unhealthy',
  );
  const message = `node ${node} does not report; the replica may still run there`;
  expect(lost.health.problems.map((problem) => problem.message)).toEqual([message, message, message]);
  await stage.admin.remove(pod as NonNullable<typeof pod>, { graceSeconds: 1 });
  const { health } = await stage.api.until(flow.name, ({ health: { problems } }) =>
    problems.some((problem) => problem.message.startsWith('still terminating after its grace period')),
  );
  expect(health.problems).toContainEqual(
    expect.objectContaining({
      function: 'map',
      replica: pod?.metadata.name,
      reason: 'NodeNotReady',
      message: `still terminating after its grace period: ${message}; delete the pod by force once it is certain that it does not run`,
    }),
  );
});
