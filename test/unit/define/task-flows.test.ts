import { join, merge, type StepOutput } from '../../../lib/define/task-flows/step-output';
import { task } from '../../../lib/define/task-flows/task';
import { defineTaskFlow } from '../../../lib/define/task-flows/task-flow-definition';
import type { StepError } from '../../../lib/tasks/advance/execution-state';
import { renderText } from '../../../lib/tasks/document/render-text';
import { edgesOf, failure, TestRun } from '../tasks/support';

interface Order {
  readonly id: number;
  readonly total: number;
}
interface Receipt {
  readonly receipt: string;
}

const read = task<{ order: number }, Order>('order:read');
const items = task<Order, string[]>('order:items');
const reserve = task<string, { reserved: string }>('stock:reserve');
const charge = task<Order, Receipt>('card:charge', {
  parameters: { currency: 'EUR' },
  policy: { retry: { attempts: 3 } },
});
const refuse = task<{ error: StepError; input: Order }, { refused: true }>('order:refuse');
const report = task<unknown, string>('report');

/** Does not compile if the types differ. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function valueIs<Expected>() {
  return <Actual>(_: StepOutput<Actual>, same: Same<Actual, Expected>) => same;
}

const orders = defineTaskFlow(
  'orders',
  (input: StepOutput<{ order: number }>) => {
    const order = input.to(read);
    const receipt = order.to(charge.with({ parameters: { test: true } }), {
      when: '$[?(@.total > 0)]',
      catch: refuse,
    });
    const reserved = order.to(items).each(reserve, { limit: 5, tolerate: 1 });
    return join(receipt, reserved).to(report);
  },
  { doc: 'Orders.', attributes: { team: 'billing' }, finally: task('order:release') },
);

test('a flow in TypeScript is the flow of the same text', () => {
  expect(renderText(orders.document())).toBe(`@flow orders ({"attributes":{"team":"billing"}}) '''Orders.''';
order:read → :s1;
:s1
  → ? \`$[?(@.total > 0)]\` card:charge({"currency":"EUR","test":true}) with ({"retry":{"attempts":3}})
  catch order:refuse
  → :s2;
:s1 → order:items → * stock:reserve with ({"map":{"limit":5,"tolerate":1}}) → :s4;
:s2 :s4 → report;
@finally order:release;
`);
});

test('it runs as it is written', () => {
  const run = new TestRun(
    orders.graph(),
    { order: 7 },
    {
      'order:read': { id: 7, total: 5 },
      'card:charge': failure('refused'),
      'order:refuse': { refused: true },
      'order:items': ['a', 'b'],
      report: 'done',
    },
  ).finish();
  expect(run.log.at(-1)).toBe('report [{"refused":true},["a","b"]]');
  expect(run.execution.outcome).toEqual({ status: 'completed', output: 'done' });
});

test('outputs have the types of what leads to them', () => {
  defineTaskFlow('types', (input: StepOutput<{ order: number }>, { constant, load }) => {
    const order = input.to(read);
    expect(valueIs<Order>()(order, true)).toBe(true);
    const guarded = order.to(charge, { when: '$.x' });
    expect(valueIs<Receipt | Order>()(guarded, true)).toBe(true);
    const caught = order.to(charge, { catch: refuse });
    expect(valueIs<Receipt | { refused: true }>()(caught, true)).toBe(true);
    const skipped = order.to(charge, { optional: 'skip' });
    expect(valueIs<Receipt | Order>()(skipped, true)).toBe(true);
    const list = order.to(items).each(reserve);
    expect(valueIs<readonly { reserved: string }[]>()(list, true)).toBe(true);
    const tolerated = order.to(items).each(reserve, { tolerate: 2 });
    expect(valueIs<readonly ({ reserved: string } | { readonly error: StepError })[]>()(tolerated, true)).toBe(true);
    const both = join(order, guarded);
    expect(valueIs<[Order, Receipt | Order]>()(both, true)).toBe(true);
    const one = merge(order, caught);
    expect(valueIs<Order & (Receipt | { refused: true })>()(one, true)).toBe(true);
    expect(valueIs<{ a: number }>()(constant({ a: 1 }), true)).toBe(true);
    expect(valueIs<Order>()(load<Order>('https://a'), true)).toBe(true);
    const nested = order.to((inner) => inner.to(items).to(report));
    expect(valueIs<string>()(nested, true)).toBe(true);
    return join(order, guarded, caught, skipped, list, tolerated, nested).to(report);
  });
});

test('a step does not accept the output of another type', () => {
  const attempt = () =>
    defineTaskFlow('wrong', (input: StepOutput<{ order: number }>) => {
      const order = input.to(read);
      // @ts-expect-error an Order is no { order: number }
      order.to(read);
      // @ts-expect-error an Order is no list
      order.each(reserve);
      // @ts-expect-error the items are texts
      order.to(items).each(charge);
      // @ts-expect-error the branch expects the input of another step
      input.to(read, { catch: refuse });
      // @ts-expect-error the step may have passed its input on
      order.to(items, { when: '$.x' }).each(reserve);
      // @ts-expect-error only objects can be merged
      merge(order, order.to(items).to(report));
      // @ts-expect-error the tuple has another order
      join(order, order.to(items)).to(task<[string[], Order], string>('x'));
      return order;
    });
  expect(attempt).toThrow('wrong: the output of "order:read" is neither used nor returned');
});

test('subflows, maps of subflows, constants, resources and merges have their places in the graph', () => {
  const a = task('A');
  const flow = defineTaskFlow('places', (input, { constant, load }) => {
    const first = constant({ x: 1 }).to(a);
    const second = load<object[]>('https://in').to((inner) =>
      inner.to(task<unknown, object[]>('B')).each((item) => item.to(a)),
    );
    const third = input.to(task('C', { base: 'D' }));
    return merge(
      first.to(task<unknown, object>('E')),
      second.to(task<unknown, object>('F')),
      third.to(task<unknown, object>('G')),
    )
      .to(a)
      .store('https://out', { type: 'json' });
  });
  expect(edgesOf(flow.graph())).toBe(
    '0>1 0>3 0>C12 1>A2 A2>E13 3>4 4>B5 B5>6 6>7 7>A8 A8>9 9>10 10>11 11>F14 C12>G15 E13>A16 F14>A16 G15>A16 A16>17 17>18',
  );
  expect(flow.document().tasks).toEqual({ C: { base: 'D' } });
  expect(flow.graph().nodes[17]).toMatchObject({ kind: 'store', uri: 'https://out', parameters: { type: 'json' } });
});

test.each<[string, (input: StepOutput<unknown>) => StepOutput<unknown>, string]>([
  [
    'lost',
    (input) => [input.to(task('A')), input.to(task('B'))][1] as StepOutput<unknown>,
    'the output of "A" is neither used nor returned; return it, joined with others',
  ],
  ['empty', (input) => input, 'a flow returns the output of a step, not its own input or a constant'],
  [
    'order',
    (input) => [input.to(task('A')), input.to(task('B'))].reduceRight((b, a) => join(b, a)),
    'outputs are joined in the order in which their steps were added; list them in this order',
  ],
  [
    'foreign',
    (input) => input.to((inner) => [inner.to(task('A')), input.to(task('B'))][1] as StepOutput<unknown>),
    'an output of another flow or subflow; pass it in as the input',
  ],
  [
    'stored',
    (input) => input.to(task('A')).store('https://a').to(task('B')),
    'an output that is stored is the last one; return it',
  ],
])('%s: %#', (name, build, message) => {
  expect(() => defineTaskFlow(name, build)).toThrow(`${name}: ${message}`);
});
