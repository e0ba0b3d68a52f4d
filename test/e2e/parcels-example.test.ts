import { cpSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { Workplace } from '../support/kflow-cli';

const example = path.join(__dirname, '../../examples/parcels');
const place = new Workplace();
const input = () => JSON.parse(place.read('order.json')) as object;
const paid = { paid: '15 EUR', parcels: ['2 x tea', '1 x cup'] };

beforeAll(() => {
  for (const name of readdirSync(example)) cpSync(path.join(example, name), path.join(place.folder, name));
});

afterAll(async () => {
  await place.ran('down');
  place.remove();
});

test('the flow and its workers have no problems, and are simulated', async () => {
  expect(await place.ran('lint', 'parcels.flow', 'order.yaml', 'parcel.ts')).toMatchObject({ status: 0 });
  expect(await place.ran('run', 'parcels.flow', '--input', '@order.json', '--simulate')).toMatchObject({ status: 0 });
});

test('kflow run runs it with its workers', async () => {
  const workers = ['--worker', 'order.yaml', '--worker', 'parcel.ts'];
  const { status, stdout, stderr } = await place.ran('run', 'parcels.flow', '--input', '@order.json', ...workers);
  if (status !== 0) throw new Error(stderr);
  expect(JSON.parse(stdout)).toEqual(paid);
}, 240_000);

test('workers and flow are submitted to a stack: a guard, an error branch and a map do what they say', async () => {
  const submit = async (order: object) => {
    const { stdout, stderr } = await place.ran('submit', 'parcels.flow', '--input', JSON.stringify(order), '--wait');
    return { output: JSON.parse(stdout || 'null'), stderr };
  };
  expect(await place.ran('up', '--detach')).toMatchObject({ status: 0 });
  expect(await place.ran('submit', 'order.yaml', 'parcel.ts', '--wait')).toMatchObject({ status: 0 });
  const { stdout: workers } = await place.ran('workers');
  for (const name of ['order', 'parcel']) expect(workers).toMatch(new RegExp(`^${name} `, 'm'));
  expect(await submit(input())).toMatchObject({ output: paid });
  expect(await submit({ ...input(), card: '0000' })).toMatchObject({ output: { ...paid, paid: 'nothing' } });
  expect(await submit({ ...input(), items: [] })).toMatchObject({ output: { paid: 'nothing', parcels: [] } });
}, 240_000);
