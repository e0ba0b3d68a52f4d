import path from 'node:path';
import { Workplace } from '../../../../support/kflow-cli';
import { invalidTopology, kflow, topology } from '../../support';

let place: Workplace;
let manifests: string;
beforeEach(() => {
  place = new Workplace();
  manifests = path.join(place.folder, 'manifests');
});
afterEach(() => place.remove());

const synth = (text: string) => kflow('synth', place.write('flow.yaml', text), '-o', manifests);
const plan = (text: string) => kflow('plan', place.write('flow.yaml', text), '--against', manifests);

test('manifests that would not change exit with 0', async () => {
  expect((await synth(topology)).status).toBe(0);
  expect(await plan(topology)).toEqual({ status: 0, stdout: 'flow default/words: no changes\n', stderr: '' });
});

test('the options of images apply to every pod', async () => {
  await synth(topology);
  const options = ['--image-pull-secret', 'registry', '--image-pull-secret', 'mirror', '--image-pull-policy', 'Always'];
  const planned = await kflow('plan', place.write('flow.yaml', topology), '--against', manifests, ...options);
  const added = [...planned.stdout.matchAll(/^ {4}\+ +(\S.*)$/gm)].map(([, line]) => line);
  expect(added.filter((line) => !line?.includes('topology'))).toEqual(
    Array(2).fill(['imagePullPolicy: Always', 'imagePullSecrets:', '- name: registry', '- name: mirror']).flat(),
  );
});

test.each([
  [['--nats-secret', 'fine', '--nats-secret', 'Bad_Name'], '--nats-secret: want the name of an object: '],
  [['--image-pull-secret', 'Bad_Name'], '--image-pull-secret: want the name of an object: '],
  [['--nack-account', 'Bad_Name'], '--nack-account: want the name of an object: '],
  [['--nats-domain', 'a.b'], '--nats-domain: want one word'],
  [['--image', 'Registry/Name'], '--image: must be as registry.example.org/name:version, got "Registry/Name"'],
  [['--image', 'me:hunter2@registry/name'], '--image: contains a user and password'],
  [['--job-ttl', '3000000h'], '--job-ttl: want at most 2147483647 seconds'],
  [['--context', 'prod'], '--context requires --against cluster'],
])('the options %j are wrong usage, which names the flag', async (options, message) => {
  const planned = await kflow('plan', place.write('flow.yaml', topology), '--against', manifests, ...options);
  expect(planned).toMatchObject({ status: 64, stdout: '', stderr: expect.stringContaining(`kflow: ${message}`) });
  expect(planned.stderr).not.toContain('hunter2');
});

test('a change, a new object and a removed object each exit with 2', async () => {
  await synth(topology);
  const changed = await plan(topology.replace('leaf:1', 'leaf:2'));
  expect(changed).toMatchObject({
    status: 2,
    stdout: expect.stringMatching(/\n0 to create, \d+ to change, 0 to remove\n$/),
  });
  const longer = `${topology.replace('[leaf]', '[leaf, copy]')}  - { id: copy, type: raw, image: copy:1 }\n`;
  const created = await plan(longer);
  expect(created).toMatchObject({ status: 2, stdout: expect.stringMatching(/\n[1-9]\d* to create, .*\n$/) });
  await synth(longer);
  const removed = await plan(topology);
  expect(removed).toMatchObject({ status: 2, stdout: expect.stringMatching(/, [1-9]\d* to remove\n$/) });
});

test('a topology with an error exits with 1, before anything is compared or written', async () => {
  await synth(topology);
  const planned = await plan(invalidTopology);
  expect(planned).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('rwa') });
  expect((await synth(invalidTopology)).status).toBe(1);
  expect((await plan(topology)).status).toBe(0);
});

test('a directory that does not exist is wrong usage', async () => {
  expect(await plan(topology)).toMatchObject({ status: 64, stderr: expect.stringContaining(manifests) });
});
