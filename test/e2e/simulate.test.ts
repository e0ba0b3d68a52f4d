import { Workplace } from '../support/kflow-cli';
import { RunningStack } from '../support/running-stack';
import { waitFor } from '../support/wait-for';

let place: Workplace;
let stack: RunningStack;

beforeAll(async () => {
  place = new Workplace();
  place.write('parcels.flow', 'read → stock:items :items → * stock:reserve with (- map: {limit: 2} -) → mail:send');
  place.write('order.flow', 'order:read');
  place.write('items.flow', 'stock:items');
  place.write('stock.yaml', 'worker: stock\ntasks: { items: { language: typescript, module: items.ts } }\n');
  place.write('items.ts', 'export const items = async () => [1, 2, 3];');
  stack = await RunningStack.up(place);
}, 180_000);

afterAll(async () => {
  await stack.close();
  await place.ran('down');
  place.remove();
});

test('kflow simulate ends the steps of every task namespace that has no worker, and is listed', async () => {
  const simulation = place.kflow('simulate', '--wait-period', '20ms');
  await simulation.waitFor(/takes the tasks of each task namespace/);
  const { status, stdout, stderr } = await place.ran('submit', 'parcels.flow', '--input', '{"n": 1}', '--wait');
  expect([status, stderr]).toEqual([0, expect.stringContaining('Completed')]);
  expect(JSON.parse(stdout)).toEqual([{ n: 1 }]);
  const { stdout: workers } = await place.ran('workers');
  for (const name of ['default', 'stock', 'mail'])
    expect(workers).toMatch(new RegExp(`^${name} +simulate-.* simulated .*\\*`, 'm'));

  const worker = place.kflow('worker', 'stock.yaml');
  await simulation.waitFor(/left the tasks of stock/);
  expect(JSON.parse((await place.ran('submit', 'items.flow', '--wait')).stdout)).toEqual([1, 2, 3]);
  worker.process.kill('SIGTERM');
  await worker.exited;

  simulation.process.kill('SIGINT');
  expect(await simulation.exited).toBe(0);
  expect((await place.ran('workers')).stdout).not.toMatch(/simulate-/);
}, 240_000);

test('a simulation of named task namespaces fails a share of attempts, which a policy repeats', async () => {
  const simulation = place.kflow('simulate', 'order', '--wait-period', '0', '--failures', '100', '--seed', '7');
  await simulation.waitFor(/takes the tasks of order/);
  const { status, stderr } = await place.ran('submit', 'order.flow', '--wait');
  expect([status, stderr]).toEqual([1, expect.stringContaining('a failure of the simulation')]);
  place.write('order.flow', 'order:read with (- retry: {attempts: 2, backoff: 1ms} -)');
  expect(await place.ran('submit', 'order.flow', '--id', 'again', '--wait')).toMatchObject({ status: 1 });
  const { body } = await stack.call('GET', '/executions/v1/default/again');
  expect(body).toMatchObject({ steps: [expect.objectContaining({ name: 'order:read', attempts: 2 })] });
  simulation.process.kill('SIGINT');
  expect(await simulation.exited).toBe(0);
}, 120_000);

test('a second Ctrl-C ends a simulation at once, and another one gets its task', async () => {
  const first = place.kflow('simulate', 'order', '--wait-period', '1h');
  await first.waitFor(/takes the tasks of order/);
  place.write('order.flow', 'order:read');
  expect(await place.ran('submit', 'order.flow', '--id', 'long')).toMatchObject({ status: 0 });
  await waitFor('a running task', async () => (await place.ran('workers')).stdout.includes(' 1/100 '));
  first.process.kill('SIGINT');
  await first.waitFor(/ending: /);
  first.process.kill('SIGINT');
  expect(await first.exited).toBe(130);
  const second = place.kflow('simulate', 'order', '--wait-period', '0');
  await waitFor('the end', async () => {
    const { body } = await stack.call('GET', '/executions/v1/default/long');
    return (body as { readonly status: string }).status === 'Completed';
  });
  second.process.kill('SIGINT');
  expect(await second.exited).toBe(0);
}, 180_000);
