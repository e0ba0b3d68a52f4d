import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Workplace } from '../support/kflow-cli';
import { connectCluster, installNackCrds, makeRestrictedNamespace, readManifests, sharedKubeconfig } from './support';

const root = path.join(__dirname, '../..');
const topology = readFileSync(path.join(root, 'test/fixtures/topologies/update.yaml'), 'utf8');
const stream = topology.replace('mode: batch', 'mode: stream');

let place: Workplace;
let namespace: string;

beforeAll(async () => {
  await installNackCrds();
  namespace = await makeRestrictedNamespace('planned');
});
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.remove());

function plan(text: string, ...args: string[]) {
  place.write('flow.yaml', `namespace: ${namespace}\n${text}`);
  return place.ran('plan', 'flow.yaml', '--against', 'cluster', ...args);
}

async function apply(text: string): Promise<void> {
  place.write('flow.yaml', `namespace: ${namespace}\n${text}`);
  const synth = place.kflow('synth', 'flow.yaml', '-o', 'out');
  expect(await synth.exited).toBe(0);
  const cluster = await connectCluster();
  for (const object of readManifests(path.join(place.folder, 'out/jobx.k8s.yaml'))) await cluster.apply(object);
}

test('kflow plan prints objects that are missing, different or superfluous in a cluster', async () => {
  process.env.KUBECONFIG = sharedKubeconfig();
  const empty = await plan(stream);
  expect([empty.status, empty.stderr]).toEqual([2, '']);
  expect(empty.stdout).toMatch(/\+ Deployment jobx--p1 is created\n[\s\S]*\n20 to create, 0 to change, 0 to remove\n$/);

  await apply(stream);
  expect(await plan(stream)).toEqual({ status: 0, stderr: '', stdout: `flow ${namespace}/jobx: no changes\n` });

  const scaled = await plan(stream.replace('parallelism: 5', 'parallelism: 6'));
  expect(scaled.status).toBe(2);
  expect(scaled.stdout).toMatch(
    /~ Deployment jobx--p1 changes\n[\s\S]*\n {4}- {2}replicas: 5\n {4}\+ {2}replicas: 6\n/,
  );
  expect(scaled.stdout).not.toContain('~ Deployment jobx--source');
  expect(scaled.stdout).not.toContain('managedFields');

  const without = stream.replace('[p1]', '[sink]').replace(/ {2}- id: p1[\s\S]*?(?= {2}- id: sink)/, '');
  const removed = await plan(without);
  expect(removed.stdout).toContain('- Deployment jobx--p1 is removed\n');
  expect(removed.stdout).toContain('- Stream jobx--p1 is removed; its data is kept\n');
});

test('kflow plan reports that a Job is replaced, and shows its differences', async () => {
  const batch = topology.replaceAll('jobx', 'joby');
  place.write('flow.yaml', `namespace: ${namespace}\n${batch}`);
  const synth = place.kflow('synth', 'flow.yaml', '-o', 'out');
  expect(await synth.exited).toBe(0);
  const cluster = await connectCluster();
  for (const object of readManifests(path.join(place.folder, 'out/joby.k8s.yaml'))) await cluster.apply(object);
  const { status, stdout } = await plan(batch.replace('return event', 'return [event]'));
  expect(status).toBe(2);
  expect(stdout).toMatch(/± Job joby--p1 is replaced: immutable fields differ\n/);
  expect(
    stdout
      .split('± Job')[1]
      ?.match(/^ {4}[-+].*$/gm)
      ?.map((line) => line.trim().slice(0, 30)),
  ).toEqual([expect.stringMatching(/^- +kflow\.io\/spec-hash/), expect.stringMatching(/^\+ +kflow\.io\/spec-hash/)]);
});

test('kflow plan names an unreachable cluster and the available contexts', async () => {
  const kubeconfig = readFileSync(sharedKubeconfig(), 'utf8').replace(/127\.0\.0\.1:\d+/, '127.0.0.1:1');
  process.env.KUBECONFIG = place.write('kubeconfig', kubeconfig);
  const away = await plan(stream);
  expect(away.status).toBe(3);
  expect(away.stderr).toMatch(/https:\/\/127\.0\.0\.1:1 \(context "kflow"\) is unreachable/);
  const wrong = await plan(stream, '--context', 'production');
  expect([wrong.status, wrong.stderr]).toEqual([
    1,
    expect.stringMatching(/has no context "production"; choose one of: kflow/),
  ]);
});
