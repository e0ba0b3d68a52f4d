import type { KFlowError } from '../../lib/errors';
import { KubernetesObjects } from '../../runtime/adapters/kubernetes/kubernetes-objects';
import type { FlowEventView } from '../../runtime/api-contract/flow-history';
import { waitFor } from '../support/wait-for';
import { ControlledFlow } from './controlled-flow';
import { type AnotherController, ControllerStage } from './controller-stage';

const namespace = 'lost-access';
let stage: ControllerStage;

beforeAll(async () => {
  stage = await ControllerStage.open(namespace);
});
afterAll(() => stage?.close());

const flowOf = (jobId: string) => new ControlledFlow(stage.api, namespace, jobId);
/** Reads a log through the API of a controller, which needs the controller's own credentials. */
const logsOf = ({ api }: AnotherController, { name }: ControlledFlow) =>
  api.call('GET', `/kflows/v1/${name}/logs?function=map&tail=1`);
/** The code of the error of a call with a kubeconfig; undefined if the server accepts it. */
async function codeWith(file: string): Promise<string | undefined> {
  const objects = await KubernetesObjects.open({ file });
  const read = objects.list({ apiVersion: 'v1', kind: 'Pod' }, namespace);
  return read.then(
    () => undefined,
    ({ code }: KFlowError) => code,
  );
}
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
  const flow = flowOf('rotated');
  await flow.run();
  expect((await logsOf(other, flow)).status).toBe(200);
  const old = await access.copy();
  await access.revoke();
  await access.renew();
  await waitFor('the old token is refused', async () => (await codeWith(old)) === 'credentials-refused');
  expect(await logsOf(other, flow)).toMatchObject({ status: 200, body: { function: 'map', line: 'ready' } });
  expect((await other.api.call('GET', '/readyz')).status).toBe(200);
  expect(other.command.stdout + other.command.stderr).not.toMatch(isRefused);
  other.kill();
});

test('a controller that was refused for a moment becomes ready again', async () => {
  const access = await stage.podAccess('late');
  const other = await stage.another(access.file);
  await access.revoke();
  const flow = flowOf('late');
  await flow.run();
  const isReady = async () => (await other.api.call('GET', '/readyz')).status === 200;
  await waitFor('the refusal', async () => {
    await logsOf(other, flow).catch(() => undefined); // the stream breaks off
    return !(await isReady());
  });
  expect((await other.api.call('GET', '/readyz')).body).toMatchObject({ detail: expect.stringMatching(isRefused) });
  await access.renew();
  await waitFor('ready again', isReady);
  expect(other.command.stdout + other.command.stderr).toMatch(/Kubernetes accepts the credentials again/);
  other.kill();
});
