import type { HostFixture } from './host-fixture';

const program = `import { loadTopology, NatsSink } from 'kflow/function';
const topology = loadTopology();
const sink = topology.dag.find((each) => each.out.length === 0);`;

export const javascriptFixture: HostFixture = {
  code: {
    addsStep: 'function run(ctx, event) { return { n: event.n + ctx.meta.step }; }',
    returnsNothing: 'function run(ctx, event) {}',
    returnsThree: 'const run = (ctx, { n }) => [{ n }, { n: n + 1 }, { n: n + 2 }];',
    generates: 'function* run(ctx, { n }) { yield { n }; yield { n: n + 1 }; }',
    usesSides: `function run(ctx, { n }) {
      ctx.toSideStream('low', { n: n + 1 });
      ctx.toSideStream('high', { text: 'up' });
      return { n };
    }`,
    usesUnknownSide: "function run(ctx, event) { ctx.toSideStream('other', event); }",
    throwsOnTwo:
      "function run(ctx, event) {\n  if (event.n === 2)\n    throw new RangeError('not two');\n  return event;\n}",
    throwsAckException: `class Transient extends AckException {
      shouldAck() { return false; }
      payloadAsJson() { return false; }
    }
    function run(ctx, { n }) { throw n === 1 ? new AckException('done') : new Transient('again'); }`,
    acksEverySecond: `let count = 0;
      function run(ctx, event) {
        count += 1;
        if (count % 2 === 0) ctx.requestAck();
        return event;
      }`,
    acksWhenOpen: `async function run(ctx, { n }) {
      const { existsSync } = require('node:fs');
      while (n === 1 && !existsSync(ctx.meta.gate)) await new Promise((resolve) => setTimeout(resolve, 5));
      ctx.requestAck();
    }`,
    acksAtTheEnd: `const run = () => undefined;
      export const finish = (ctx) => { ctx.requestAck(); return { n: 9 }; };`,
    makesSideRecord: `function run(ctx, event) {
      const record = ctx.getNewRecord('low');
      console.log(JSON.stringify(record));
      ctx.toSideStream('low', { ...record, n: event.n });
    }`,
    flushes: "function run(ctx) { ctx.flush(ctx.getDownloaderLocalObjectUrl(), '/tmp/none/of/these'); }",
    namesClasses: `function run(ctx, event) {
      console.log(event.at.constructor.name, event.price.constructor.name);
      return event;
    }`,
    misfitsOnTwo: "function run(ctx, event) { return event.n === 2 ? { n: 'two' } : event; }",
    doubles: 'function run(ctx, event) { return { text: event.text + event.text }; }',
    describes: `function run(ctx) {
      const size = ctx.getDownloaderObjectMetadata()?.size;
      console.log(ctx.flowId, ctx.functionId, ctx.getDownloaderLocalObjectUrl() ?? 'none', size ?? 'none');
    }`,
    traces: "function run(ctx) { console.log(ctx.traceParent ?? 'none'); }",
    logs: `function run(ctx, event) {
      console.log('one');
      ctx.logger.warn('two');
      logger.error('three');
      ctx.heartbeat();
      return event;
    }`,
    waits: `async function run(ctx, event) {
      const { existsSync } = require('node:fs');
      ctx.logger.info('began ' + event.n);
      while (!existsSync(ctx.meta.gate)) await new Promise((resolve) => setTimeout(resolve, 5));
      return event;
    }`,
    streams: 'async function run(ctx, { n }, q) { for (const step of [0, 1, 2]) await q.put({ n: n + step }); }',
    failsAfterPut: "async function run(ctx, event, q) { await q.put(event); throw new Error('after'); }",
    isGenerator: 'function* run() { for (let n = 0; n < 600; n++) yield { n }; }',
    returnsLists: 'const lists = [[{ n: 1 }, { n: 2 }], [{ n: 3 }]]; const run = () => lists.shift();',
    listsMisfits: "const run = () => [{ n: 1 }, { n: 'two' }, { m: 3 }, { n: 4 }];",
    yieldsMisfit: "function* run() { yield { n: 1 }; yield { n: 'two' }; yield { n: 3 }; }",
    yieldsNaN: 'function* run() { yield { n: Number.NaN }; }',
    yieldsSameRecord: 'function* run() { const same = {}; for (same.n = 1; same.n <= 3; same.n++) yield same; }',
    totals: `let sum = 0; let count = 0;
function run(ctx, event) { sum += event.n; count += 1; }
function* finish() { yield { n: sum }; yield { n: count }; }`,
    failsToFinish: `let calls = 0;
const run = () => undefined;
export async function finish(ctx) {
  calls += 1;
  if (calls === 1) throw new Error('not yet');
  return calls === 2 ? [{ n: 1 }, { n: 'two' }] : { n: calls };
}`,
    writes: `${program}
async function main() {
  const pub = await NatsSink.build(sink);
  await Promise.all([1, 2].map((n) => pub.write(sink.topics, { n })));
  console.log('stored');
  await pub.write(sink.topics, { n: 'two' });
  await pub.write(sink.topics, { n: 3 });
  await pub.close();
}
main();`,
    writesOnce: `${program}
async function main() {
  const pub = await NatsSink.build(sink);
  await pub.write(sink.topics, { n: 1 });
}
main();`,
    writesSameRecord: `${program}
async function main() {
  const pub = await NatsSink.build(sink);
  const same = { n: 1 };
  for (; same.n <= 3; same.n++) void pub.write(sink.topics, same);
  await pub.close();
}
main();`,
    closesAndWaits: `${program}
process.once('SIGTERM', () => {
  console.log('cleaned up');
  process.exit();
});
NatsSink.build(sink).then((pub) => pub.close());`,
    writesWrong: `${program}
async function main() {
  const pub = await NatsSink.build(sink);
  const wrong = [() => pub.write('other', { n: 1 }), () => NatsSink.build(topology.dag.find((each) => each.out.length > 0))];
  for (const attempt of wrong) await attempt().catch((error) => console.log(error.message));
  await pub.close();
}
main();`,
    runsDry: "function* run() { yield { n: 1 }; throw new Error('dry'); }",
    doesNotParse: 'const first = 1;\nfunction run( { }',
    throwsOnLoad: "const first = 1;\nthrow new Error('at load');\nfunction run() {}",
    hasNoRun: 'function walk() {}',
  },
  module: {
    file: 'module.js',
    files: {
      'module.js': "import { five } from './five';\nexport const run = (ctx, event) => ({ n: event.n + five });",
      'five.js': 'export const five = 5;',
    },
  },
  classes: { base: ['Number', 'Buffer'], logical: ['Date', 'Decimal'] },
  errorType: 'RangeError',
  names: (line) => new RegExp(`map\\.[jt]s:${line}\\b|line ${line}\\b`),
  process: {
    exits: `logger.info(String(process.pid));
      process.on('exit', (status) => { if (status !== 3) console.log('closed'); });
      const run = () => process.exit(3);`,
    hangs: 'logger.info(String(process.pid)); const run = (ctx) => { ctx.heartbeat(); for (;;); };',
    exitsOnTwo: onTwo('process.exit(0)'),
    diesOnTwo: onTwo("process.kill(process.pid, 'SIGKILL'); for (;;);"),
    hangsOnTwo: onTwo('for (;;);'),
    writesOnTwo: onTwo("fs.writeSync(4, 'hello, world\\n'); return new Promise(() => {});"),
    writesToInputOnTwo: onTwo("fs.writeSync(3, 'hello'); return new Promise(() => {});"),
    closesOnTwo: onTwo('fs.closeSync(4); return new Promise(() => {});'),
    throwsLongOnTwo: onTwo("throw new Error('x'.repeat(2_000_000))"),
    startsOnTwo: onTwo(
      "const p = require('node:child_process').spawn('sleep', ['1000']); logger.info(String(p.pid)); return new Promise(() => {});",
    ),
    printsOnTwo: onTwo("for (let i = 0; i < 100_000; i++) process.stdout.write('xxxxxxxxxx');"),
    yieldsForever: 'logger.info(String(process.pid)); function* run(ctx, event) { for (;;) yield event; }',
  },
};

export const typeScriptFixture: HostFixture = {
  ...javascriptFixture,
  code: {
    ...javascriptFixture.code,
    throwsAckException: `import { AckException as Acked } from 'kflow/function';
      class Transient extends Acked {
        override shouldAck(): boolean { return false; }
        override payloadAsJson(): boolean { return false; }
      }
      function run(ctx: unknown, { n }: { n: number }) { throw n === 1 ? new Acked('done') : new Transient('again'); }`,
    addsStep: `interface Item { readonly n: number }
      function run(ctx: { meta: { step: number } }, event: Item): Item { return { n: event.n + ctx.meta.step }; }`,
  },
  module: {
    file: 'module.ts',
    files: {
      'module.ts':
        "import { five } from './five';\nexport const run = (ctx: unknown, event: { n: number }) => ({ n: event.n + five });",
      'five.ts': 'export const five: number = 5;',
    },
  },
};

function onTwo(statement: string): string {
  return `const fs = require('node:fs');
    logger.info(String(process.pid));
    function run(ctx, event) {
      if (event.n === 2) { ${statement} }
      return event;
    }`;
}
