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
  expect(empty.stdout).toMatch(/\+ Deployment jobx--p1 is created\n[\s\S]*\n19 to create, 0 to change, 0 to remove\n$/);

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
  expect(stdout).toMatch(/± Job joby--p1-\w{8} replaces joby--p1-\w{8}: its name has the hash of its content\n/);
  expect(stdout).toMatch(/\n0 to create, \d+ to change, 0 to remove\n$/);
  expect(
    stdout
      .split('± Job')[1]
      ?.match(/^ {4}[-+].*$/gm)
      ?.map((line) => line.trim().slice(0, 30)),
  ).toEqual(
    ['- +name: joby', '\\+ +name: joby', '- +kflow', '\\+ +kflow', '- +name: joby', '\\+ +name: joby'].map((line) =>
      expect.stringMatching(new RegExp(`^${line}`)),
    ),
  );
});

test('a changed batch is applied beside the old one, and a pause in place', async () => {
  const longest = 'x'.repeat(52 - 'jobz--'.length);
  const batch = topology.replaceAll('jobx', 'jobz').replace(/\bp1\b/g, longest);
  const cluster = await connectCluster();
  const applied = async (text: string) => {
    place.write('flow.yaml', `namespace: ${namespace}\n${text}`);
    expect(await place.kflow('synth', 'flow.yaml', '-o', 'out').exited).toBe(0);
    for (const object of readManifests(path.join(place.folder, 'out/jobz.k8s.yaml'))) await cluster.apply(object);
    const jobs = await cluster.list(
      { apiVersion: 'batch/v1', kind: 'Job' },
      namespace,
      `kflow.io/job=jobz,kflow.io/function=${longest}`,
    );
    return jobs.map(({ metadata, spec }) => [metadata.name, (spec as { suspend?: boolean }).suspend]);
  };
  const [[name]] = (await applied(batch)) as [[string, boolean]];
  expect(name).toHaveLength(57);
  const paused = batch.replace('pause: false', 'pause: true');
  expect(await applied(paused)).toEqual([[name, true]]);
  const changed = await applied(batch.replace('return event', 'return [event]'));
  expect(changed).toHaveLength(2);
  expect(changed).toContainEqual([name, true]);
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
