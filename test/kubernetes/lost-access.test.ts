import type { FlowEventView } from '../../runtime/api-contract/flow-history';
import { waitFor } from '../support/wait-for';
import { ControlledFlow, topology } from './controlled-flow';
import { ControllerStage } from './controller-stage';

const namespace = 'lost-access';
let stage: ControllerStage;

beforeAll(async () => {
  stage = await ControllerStage.open(namespace);
});
afterAll(() => stage?.close());

const flowOf = (jobId: string) => new ControlledFlow(stage.api, namespace, jobId);
const isRefused = /Kubernetes refuses the credentials/;

test('a controller whose token was revoked takes no more work and exits, and no flow fails', async () => {
  const access = await stage.podAccess('forced');
  const revoked = await stage.another(access.file);
  const old = ['old-0', 'old-1', 'old-2'].map(flowOf);
  await Promise.all(old.map((flow) => flow.run()));
  await access.revoke();
  // until the refusal is noticed, either controller gets the work
  const made: ControlledFlow[] = [];
  await waitFor('the refusal', async () => {
    const flow = flowOf(`new-${made.length}`);
    made.push(flow);
    await flow.submit();
    return isRefused.test(revoked.command.stdout + revoked.command.stderr);
  });
  await Promise.all(old.map((flow) => flow.update({ map: { parallelism: 2 } })));
  await Promise.all(old.map((flow) => flow.untilHealthy(({ functions }) => functions[1]?.ready === 2)));
  for (const flow of made) await flow.untilHealthy();
  const { body } = await stage.api.call('GET', `/kflows/events/v1?namespace=${namespace}`);
  const words = (body as readonly FlowEventView[]).map(({ what }) => what);
  expect(words).not.toEqual(expect.arrayContaining([expect.stringMatching(/Failed|refused|rollback/)]));
  expect(await revoked.command.exited).toBe(1);
  expect(revoked.command.stdout + revoked.command.stderr).toMatch(/exiting to be started again with fresh credentials/);
});

test('a controller whose token file was replaced goes on with the new token', async () => {
  const access = await stage.podAccess('rotated');
  const other = await stage.another(access.file);
  await access.revoke();
  await access.renew();
  // its own API reads the cluster with its own credentials
  const flow = new ControlledFlow(other.api, namespace, 'rotated');
  await flow.run();
  await waitFor('the old token is refused', async () => {
    const { status } = await other.api.call('GET', `/kflows/v1/${flow.name}/logs?function=map&tail=1`);
    return status === 200;
  });
  expect((await other.api.call('GET', '/readyz')).status).toBe(200);
  expect(other.command.stdout + other.command.stderr).not.toMatch(isRefused);
  other.kill();
});

test('a controller that was refused for a moment becomes ready again', async () => {
  const access = await stage.podAccess('late');
  const other = await stage.another(access.file);
  await access.revoke();
  await stage.api.call('POST', `/kflows/v1/${namespace}/late`, topology({}));
  const isReady = async () => (await other.api.call('GET', '/readyz')).status === 200;
  await waitFor('the refusal', async () => {
    await other.api.call('GET', `/kflows/v1/${namespace}/late/logs?function=map&tail=1`);
    return !(await isReady());
  });
  expect((await other.api.call('GET', '/readyz')).body).toMatchObject({ detail: expect.stringMatching(isRefused) });
  await access.renew();
  await waitFor('ready again', isReady);
  expect(other.command.stdout + other.command.stderr).toMatch(/Kubernetes accepts the credentials again/);
  other.kill();
});
