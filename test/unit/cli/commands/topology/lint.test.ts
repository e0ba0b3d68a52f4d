import { Workplace } from '../../../../support/kflow-cli';
import { invalidTopology, kflow, topology, warnedTopology } from '../../support';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.remove());

const valid = () => place.write('valid.yaml', topology);
const invalid = () => place.write('invalid.yaml', invalidTopology);
const warned = () => place.write('warned.yaml', warnedTopology);

test('a topology without problems exits with 0', async () => {
  const file = valid();
  expect(await kflow('lint', file)).toEqual({ status: 0, stdout: `${file}: ok\n`, stderr: '' });
});

test('warnings alone exit with 0', async () => {
  const file = warned();
  const { status, stdout } = await kflow('lint', file);
  expect([status, stdout]).toEqual([0, expect.stringMatching(/ warning: .*\n.*: ok, 1 warning\n$/)]);
});

test('an error exits with 1, as does a file that does not exist', async () => {
  expect(await kflow('lint', invalid())).toMatchObject({ status: 1, stdout: expect.stringContaining('rwa') });
  expect((await kflow('lint', `${place.folder}/none.yaml`)).status).toBe(1);
});

test('an error in one of several files exits with 1, wherever the file is in the list', async () => {
  const files = [valid(), invalid(), warned()];
  for (const at of files.keys()) {
    const order = [...files.slice(at), ...files.slice(0, at)];
    const { status, stdout } = await kflow('lint', ...order);
    expect([status, stdout]).toEqual([1, expect.stringMatching(/\n1 error, 1 warning\n$/)]);
  }
  expect((await kflow('lint', place.folder)).status).toBe(1);
});

test('the JSON format exits with the same status', async () => {
  expect((await kflow('lint', '--format', 'json', valid(), invalid())).status).toBe(1);
  expect(await kflow('lint', '--format', 'json', valid())).toMatchObject({ status: 0, stdout: '[]\n' });
});
