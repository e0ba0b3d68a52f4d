import { Workplace } from '../support/kflow-cli';

const program = (delay: string) => `
import { defineTaskFlow, join, task } from 'kflow';
const read = task<{ order: number }, { id: number }>('order:read');
export const flow = defineTaskFlow('orders', (input: { to: any }) => {
  const order = input.to(read);
  const waited = order.to(task('${delay}', { parameters: { duration: '1m' } }));
  return join(order, waited).to(task('report'));
});
`;

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.remove());

const kflow = (...args: string[]) => place.ran(...args);

test('a task flow written in TypeScript is linted, drawn and printed as one in the language', async () => {
  place.write('orders.ts', program('wait:delay'));
  expect(await kflow('lint', 'orders.ts')).toMatchObject({ status: 0, stdout: 'orders.ts: ok\n' });
  expect((await kflow('graph', 'orders.ts')).stdout).toContain('order_COLON_read.1 --> wait_COLON_delay.2\n');
  expect((await kflow('fmt', '--to', 'text', 'orders.ts')).stdout).toBe(
    '@flow orders;\norder:read → :s1;\n:s1 → wait:delay({"duration":"1m"}) → :s2;\n:s1 :s2 → report;\n',
  );
});

test('a problem points at the line that names its task', async () => {
  place.write('orders.ts', program('wait:dely'));
  const { status, stdout } = await kflow('lint', 'orders.ts');
  expect([status, stdout.split('\n')[0]]).toEqual([
    1,
    'orders.ts:6:32  wait:dely  unknown task "wait:dely"; did you mean "wait:delay"?',
  ]);
});

test('kflow run, synth and the like take a topology, and say so', async () => {
  place.write('orders.ts', program('wait:delay'));
  expect((await kflow('synth', 'orders.ts')).stderr).toContain(
    'orders.ts exports a task flow, and this command takes topologies',
  );
});
