import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import type { Language } from '../../../lib/topology/document/language';
import { fingerprintOf } from '../../../runtime/engine/avro-message';
import type { Generated, HostRecord, Misfit } from '../../../runtime/engine/ports/host';
import type { HostOptions } from '../../../runtime/hosts/host-factory';
import {
  decode,
  fingerprintIn,
  HostRun,
  isAlive,
  numbered,
  recordOf,
  sideOutputOf,
  withHost,
} from '../../support/host-run';
import type { HostFixture } from './host-fixture';
import { pythonFixture } from './python-fixture';
import { javascriptFixture, typeScriptFixture } from './typescript-fixture';

/** The fixture of each language. A language without one does not compile. */
export const hostFixtures: { readonly [Each in Language]: HostFixture } = {
  python: pythonFixture,
  typescript: typeScriptFixture,
  javascript: javascriptFixture,
};

const text = { type: 'record', name: 'text', fields: [{ name: 'text', type: 'string' }] };
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
const events = (...numbers: readonly number[]) => numbers.map((n) => ({ n }));

type Options = Partial<FunctionSpec> & Partial<Pick<HostOptions, 'isStreaming' | 'baseDir'>>;
type Code = keyof HostFixture['code'];

/** Tests that the host of every language passes. Each test has its own host. */
export function describeHost(language: Language): void {
  const fixture = hostFixtures[language];
  const run: Run = (code, body, options = {}) =>
    withHost(fixture.code[code], body, { language, entry: 'run', schema: numbered, ...options });
  describe(language, () => {
    describeOutputs(run);
    describeValues(run, fixture);
    describeFailures(run, fixture);
    describeContext(run);
    describeAcks(run);
    describeOrder(run);
    describeSources(run);
    describeFinish(run);
    describeLoading(language, fixture);
    describeProcess(language, fixture.process);
    describeContainment(language, fixture.process);
  });
}

/** Opens a host of the language with this code, runs the body, and closes the host. */
type Run = (code: Code, body: (run: HostRun) => Promise<void>, options?: Options) => Promise<void>;

function describeOutputs(run: Run): void {
  const outputs: readonly (readonly [string, Code, readonly object[]])[] = [
    ['one record', 'addsStep', events(17)],
    ['nothing', 'returnsNothing', []],
    ['several records', 'returnsThree', events(7, 8, 9)],
    ['a generator', 'generates', events(7, 8)],
  ];
  it.each(outputs)('sends what a function returns, in order, and then its end: %s', (_, code, expected) =>
    run(
      code,
      async (host) => {
        await host.processAll(numbered, events(7));
        expect(host.outputsOf(0)).toEqual(expected);
        expect(host.order).toEqual([...expected.map(() => 'output 0'), 'done 0']);
      },
      { meta: { step: 10 } },
    ),
  );

  it('encodes an output in the schema of the function although the schema of the input fits it too', () => {
    const schema = { ...numbered, name: 'counted' };
    return run(
      'addsStep',
      async (host) => {
        await host.processAll(numbered, events(7));
        expect(host.outputsOf(0)).toEqual(events(17));
        expect(host.outputs.get(0)?.map(({ payload }) => fingerprintIn(payload))).toEqual([fingerprintOf(schema)]);
      },
      { schema, meta: { step: 10 } },
    );
  });

  it('sends each side output to its stream, in its own schema', () =>
    run(
      'usesSides',
      async (host) => {
        await host.processAll(numbered, events(1, 5));
        expect(host.outputsOf(0, 'low')).toEqual(events(2));
        expect(host.outputsOf(0, 'high')).toEqual([{ text: 'up' }]);
        expect(host.outputsOf(0)).toEqual(events(1));
        expect(host.outputsOf(1, 'low')).toEqual(events(6));
        expect(host.order.slice(0, 4)).toEqual(['output 0 to low', 'output 0 to high', 'output 0', 'done 0']);
      },
      { sideOutputs: [sideOutputOf('low', numbered), sideOutputOf('high', text)] },
    ));

  it('fails a record that is sent to an undeclared side output, and names those that are declared', () =>
    run(
      'usesUnknownSide',
      async (host) => {
        await host.processAll(numbered, events(1));
        expect(host.failureOf(0).message).toBe('the function has no side output "other"; declared: low');
        expect(host.order).toEqual(['failed 0']);
      },
      { sideOutputs: [sideOutputOf('low', numbered)] },
    ));

  it('passes records of several MB', () =>
    run(
      'doubles',
      async (host) => {
        const sizes = [3 << 20, 1, 2 << 20];
        await host.processAll(
          text,
          sizes.map((size) => ({ text: 'ä'.repeat(size) })),
        );
        for (const [id, size] of sizes.entries()) {
          const [output] = host.outputsOf(id) as { text: string }[];
          expect(output?.text === 'ä'.repeat(2 * size)).toBe(true);
        }
      },
      { schema: text },
    ));

  it('sends what a function puts into its queue', () =>
    run(
      'streams',
      async (host) => {
        await host.processAll(numbered, events(1, 4));
        expect(host.outputsOf(0)).toEqual(events(1, 2, 3));
        expect(host.outputsOf(1)).toEqual(events(4, 5, 6));
      },
      { isStreaming: true },
    ));

  it('sends what a function put into its queue before it failed', () =>
    run(
      'failsAfterPut',
      async (host) => {
        await host.processAll(numbered, events(1));
        expect(host.order).toEqual(['output 0', 'failed 0']);
        expect(host.failureOf(0).message).toBe('after');
      },
      { isStreaming: true },
    ));
}

function describeValues(run: Run, { classes }: HostFixture): void {
  const price = { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 };
  const at = { type: 'long', logicalType: 'timestamp-millis' };
  const priced = {
    type: 'record',
    name: 'priced',
    fields: [
      { name: 'at', type: at },
      { name: 'price', type: price },
    ],
  };
  const event = { at: 1_795_955_415_123, price: Buffer.from('3039', 'hex') };
  it.each([
    ['numbers and bytes', classes.base, {}],
    ['those of the language, with meta.logicalTypes', classes.logical, { logicalTypes: true as const }],
  ])('gives values with a logical type as %s, and writes them as they were', (_, names, options) =>
    run(
      'namesClasses',
      async (host) => {
        await host.processAll(priced, [event]);
        expect(host.logs).toEqual([['INFO', names.join(' ')]]);
        expect(host.outputsOf(0)).toEqual([event]);
      },
      { schema: priced, ...options },
    ),
  );
}

function describeFailures(run: Run, { errorType, names }: HostFixture): void {
  it('fails a record whose function throws, with type, message and line, and processes its neighbors', () =>
    run('throwsOnTwo', async (host) => {
      await host.processAll(numbered, events(1, 2, 3));
      expect(host.order).toEqual(['output 0', 'done 0', 'failed 1', 'output 2', 'done 2']);
      expect(host.failureOf(1)).toMatchObject({ type: errorType, message: 'not two' });
      expect(host.failureOf(1).trace).toMatch(names(3));
      expect(host.failureOf(1)).not.toHaveProperty('ack');
      expect(host.failureOf(1)).not.toHaveProperty('isFinal');
    }));

  it('reports the decisions of an AckException', () =>
    run('throwsAckException', async (host) => {
      await host.processAll(numbered, events(1, 2));
      expect(host.failureOf(0)).toMatchObject({
        type: 'AckException',
        message: 'done',
        ack: true,
        payloadAsJson: true,
      });
      expect(host.failureOf(1)).toMatchObject({
        type: 'Transient',
        message: 'again',
        ack: false,
        payloadAsJson: false,
      });
    }));

  it('fails a record whose output does not fit the schema, and names the field', () =>
    run('misfitsOnTwo', async (host) => {
      await host.processAll(numbered, events(1, 2, 3));
      expect(host.order).toEqual(['output 0', 'done 0', 'failed 1', 'output 2', 'done 2']);
      expect(host.failureOf(1).message).toMatch(
        /^the output does not fit the function's schema: n: expected long, got str(ing)? "two"(; use Number\(text\) or BigInt\(text\))?$/,
      );
    }));

  it('fails a record that is not Avro or whose schema is unknown, and processes its neighbors', () =>
    run('throwsOnTwo', async (host) => {
      const stray = Buffer.from(recordOf(1, numbered, { n: 5 }).payload);
      Buffer.from('00000000000000ff', 'hex').copy(stray, 2);
      host.host.process([
        recordOf(0, numbered, { n: 0 }),
        { ...recordOf(1, numbered, { n: 1 }), payload: stray },
        { ...recordOf(2, numbered, { n: 2 }), payload: Buffer.from('no') },
        recordOf(3, numbered, { n: 3 }),
      ]);
      await host.until(() => host.outcomes.size === 4);
      expect(host.failureOf(1).message).toBe('no schema has the fingerprint 00000000000000ff');
      expect(host.failureOf(2).message).toContain('Avro');
      expect([host.outputsOf(0), host.outputsOf(3)]).toEqual([events(0), events(3)]);
    }));

  it('fails a record that does not decode, with the reason, and processes its neighbors', () =>
    run('throwsOnTwo', async (host) => {
      const whole = recordOf(0, numbered, { n: 0 });
      const header = whole.payload.subarray(0, 10);
      const broken = [header, Buffer.concat([header, Buffer.alloc(11, 0xff)]), Buffer.concat([whole.payload, header])];
      const records = broken.map((payload, index) => ({ ...whole, id: index + 1, payload }));
      host.host.process([whole, ...records, { ...whole, id: 4 }]);
      await host.until(() => host.outcomes.size === 5);
      for (const { id } of records) expect(host.failureOf(id).message).toMatch(/not? (be )?decode/);
      expect([host.outputsOf(0), host.outputsOf(4)]).toEqual([events(0), events(0)]);
    }));
}

function describeContext(run: Run): void {
  it('gives the function its flow, its id and the download of each record', () =>
    run('describes', async (host) => {
      const download = { path: '/tmp/h/a', metadata: { size: 3 } };
      host.host.process([{ ...recordOf(0, numbered, { n: 0 }), download }, recordOf(1, numbered, { n: 1 })]);
      await host.until(() => host.outcomes.size === 2);
      expect(host.logs).toEqual([
        ['INFO', 'default/job map /tmp/h/a 3'],
        ['INFO', 'default/job map none none'],
      ]);
    }));

  it('gives the function the trace of each record', () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    return run('traces', async (host) => {
      const download = { path: '/tmp/h/a', metadata: null };
      const trace = { traceparent, tracestate: 'vendor=1' };
      const records = [1, 2, 3].map((n) => recordOf(n, numbered, { n }));
      const [first, second, third] = records as [HostRecord, HostRecord, HostRecord];
      host.host.process([{ ...first, trace }, second, { ...third, trace, download }]);
      await host.until(() => host.outcomes.size === 3);
      expect(host.logs.map(([, line]) => line)).toEqual([traceparent, 'none', traceparent]);
    });
  });

  it('logs what a function prints and logs, at its level, before the end of the record', () =>
    run('logs', async (host) => {
      await host.processAll(numbered, events(1));
      expect(host.logs).toEqual([
        ['INFO', 'one'],
        ['WARNING', 'two'],
        ['ERROR', 'three'],
      ]);
      expect(host.order.filter((event) => !/^[A-Z]/.test(event))).toEqual(['heartbeat 0', 'output 0', 'done 0']);
      expect(host.order.at(-1)).toBe('done 0');
      expect(host.loggedFor).toEqual([0, 0, 0]);
    }));
}

function describeAcks(run: Run): void {
  const manual = { ack: 'manual' as const };

  it('passes on when a function requests acks, after the records that have ended', () =>
    run(
      'acksEverySecond',
      async (host) => {
        expect(host.host.acksManually).toBe(true);
        await host.processAll(numbered, events(1, 2, 3));
        const [first, second, third] = [0, 1, 2].map((id) => [`output ${id}`, `done ${id}`]);
        expect(host.order).toEqual([...(first ?? []), 'ack requested 1', ...(second ?? []), ...(third ?? [])]);
      },
      manual,
    ));

  it('passes on no request of a function whose records are acked when it returns, and says once that it has no effect', () =>
    run('acksEverySecond', async (host) => {
      expect(host.host.acksManually).toBe(false);
      await host.processAll(numbered, events(1, 2, 3, 4));
      expect(host.order.filter((each) => each.startsWith('ack'))).toEqual([]);
      expect(host.logs).toEqual([
        ['WARNING', expect.stringMatching(/^ctx\.request_?[aA]ck has no effect; set meta\.ack: manual$/)],
      ]);
    }));

  it('passes on the requests of records that run at the same time', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'kflow-host-'));
    const gate = path.join(folder, 'gate');
    try {
      await run(
        'acksWhenOpen',
        async (host) => {
          host.host.process([recordOf(0, numbered, { n: 1 }), recordOf(1, numbered, { n: 2 })]);
          await host.until(() => host.outcomes.size === 1);
          writeFileSync(gate, '');
          await host.until(() => host.outcomes.size === 2);
          expect(host.order).toEqual(['ack requested 1', 'done 1', 'ack requested 0', 'done 0']);
        },
        { ...manual, concurrency: 2, meta: { gate } },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('lets the finish of a function request acks, before its outputs', () =>
    run(
      'acksAtTheEnd',
      async (host) => {
        expect(host.host.hasFinish).toBe(true);
        await host.processAll(numbered, events(1));
        host.host.finish?.(7);
        await host.until(() => host.outcomes.has(7));
        expect(host.order.map((each) => each.replace('requested 0', 'requested 7'))).toEqual([
          'done 0',
          'ack requested 7',
          'output 7',
          'done 7',
        ]);
        expect(host.outputsOf(7)).toEqual(events(9));
      },
      manual,
    ));

  it('makes records of outputs, with the defaults of their schemas', () => {
    const low = {
      type: 'record',
      name: 'low',
      fields: [
        { name: 'n', type: 'long' },
        { name: 'tags', type: { type: 'array', items: 'string' }, default: ['a'] },
        { name: 'note', type: ['null', 'string'], default: null },
      ],
    };
    return run(
      'makesSideRecord',
      async (host) => {
        await host.processAll(numbered, events(4));
        expect(host.logs.map(([, text]) => JSON.parse(text))).toEqual([{ tags: ['a'], note: null }]);
        expect(host.outputsOf(0, 'low')).toEqual([{ n: 4, tags: ['a'], note: null }]);
      },
      { sideOutputs: [sideOutputOf('low', low)] },
    );
  });

  it('deletes files for the function', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'kflow-host-'));
    const file = path.join(folder, 'a');
    writeFileSync(file, 'x');
    await run('flushes', async (host) => {
      host.host.process([{ ...recordOf(0, numbered, { n: 0 }), download: { path: file, metadata: {} } }]);
      await host.until(() => host.outcomes.size === 1);
      expect([host.outcomes.get(0), existsSync(file)]).toEqual(['done', false]);
    });
    rmSync(folder, { recursive: true });
  });
}

function describeOrder(run: Run): void {
  let folder = '';
  let gate = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'kflow-host-'));
    gate = path.join(folder, 'gate');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('processes thousands of records in order, each once', () =>
    run('throwsOnTwo', async (host) => {
      const count = 3_000;
      await host.processAll(numbered, events(...range(0, count)));
      expect(host.order).toEqual(
        range(0, count).flatMap((id) => (id === 2 ? 'failed 2' : [`output ${id}`, `done ${id}`])),
      );
      expect(host.outputsOf(count - 1)).toEqual(events(count - 1));
    }));

  it('processes up to `concurrency` records at once, and gives back those that have not started', () =>
    run(
      'waits',
      async (host) => {
        expect(host.host.concurrency).toBe(2);
        host.host.process(range(0, 5).map((n) => recordOf(n, numbered, { n })));
        await host.until(() => host.logs.length === 2);
        host.host.release();
        await host.until(() => host.outcomes.size === 3);
        expect([...host.outcomes]).toEqual([2, 3, 4].map((id) => [id, 'released']));
        writeFileSync(gate, '');
        await host.until(() => host.outcomes.size === 5);
        expect(host.logs.map(([, line]) => line)).toEqual(['began 0', 'began 1']);
        expect([host.outcomes.get(0), host.outcomes.get(1)]).toEqual(['done', 'done']);
        host.host.process([recordOf(5, numbered, { n: 5 })]);
        await host.until(() => host.outcomes.get(5) === 'done');
      },
      { concurrency: 2, meta: { gate } },
    ));

  it('names the record of each entry, of several that are processed at once', () =>
    run(
      'waits',
      async (host) => {
        host.host.process([3, 4].map((id) => recordOf(id, numbered, { n: id })));
        await host.until(() => host.logs.length === 2);
        writeFileSync(gate, '');
        await host.until(() => host.outcomes.size === 2);
        expect(host.logs.map(([, line]) => line)).toEqual(['began 3', 'began 4']);
        expect(host.loggedFor).toEqual([3, 4]);
      },
      { concurrency: 2, meta: { gate } },
    ));

  it('processes one record at a time by default', () =>
    run(
      'waits',
      async (host) => {
        host.host.process(range(0, 3).map((n) => recordOf(n, numbered, { n })));
        await host.until(() => host.logs.length === 1);
        host.host.release();
        await host.until(() => host.outcomes.size === 2);
        writeFileSync(gate, '');
        await host.until(() => host.outcomes.size === 3);
        expect(host.logs).toEqual([['INFO', 'began 0']]);
        expect([...host.outcomes.values()]).toEqual(['released', 'released', 'done']);
      },
      { meta: { gate } },
    ));

  it('gives back the records that have not started when it is closed, and reports nothing afterwards', async () => {
    const count = 3_000; // more than it sends to a process at once
    const hosts: HostRun[] = [];
    await run(
      'waits',
      async (host) => {
        hosts.push(host);
        host.host.process(range(0, count).map((n) => recordOf(n, numbered, { n })));
        await host.until(() => host.logs.length === 1);
        host.host.release();
        await host.until(() => host.outcomes.size === count - 1);
        writeFileSync(gate, '');
        await host.until(() => host.outcomes.size === count);
      },
      { meta: { gate } },
    );
    const [host] = hosts;
    expect([...(host?.outcomes ?? [])].at(-1)).toEqual([0, 'done']);
    expect(host?.crashes).toEqual([]);
  });
}

function describeSources(run: Run): void {
  const source: Options = { type: 'raw-source' };
  /** The next answer with records or an end; the first answer for a generator has neither. */
  const generate = async (host: HostRun): Promise<Omit<Generated, 'payloads'> & { readonly records: unknown[] }> => {
    const { payloads, ...rest } = await host.host.generate();
    if (payloads.length === 0 && rest.isRepeatable && !rest.ended) return generate(host);
    return { records: payloads.map(decode), ...rest };
  };

  it('generates every record of a generator, in slices, and its end', () =>
    run(
      'isGenerator',
      async (host) => {
        const records: unknown[] = [];
        for (let isEnded = false; !isEnded; ) {
          expect(records.length).toBeLessThanOrEqual(600);
          const slice = await generate(host);
          expect(slice.ended || slice.records.length > 0).toBe(true);
          expect(slice.isRepeatable).toBe(true);
          records.push(...slice.records);
          isEnded = slice.ended;
        }
        expect(records).toEqual(events(...range(0, 600)));
      },
      source,
    ));

  it.each(['yieldsSameRecord', 'writesSameRecord'] as const)(
    'takes a record as it is when it is given: %s, which changes it for the next',
    (code) =>
      run(
        code,
        async (host) => {
          const records: unknown[] = [];
          for (let isEnded = false; !isEnded; ) {
            const slice = await host.host.generate();
            records.push(...slice.payloads.map(decode));
            isEnded = slice.ended;
          }
          expect(records).toEqual(events(1, 2, 3));
        },
        source,
      ),
  );

  it('calls a function that returns lists again, until it returns nothing', () =>
    run(
      'returnsLists',
      async (host) => {
        expect(await generate(host)).toEqual({ records: events(1, 2), ended: false, isRepeatable: false });
        expect(await generate(host)).toEqual({ records: events(3), ended: false, isRepeatable: false });
        expect(await generate(host)).toMatchObject({ records: [], ended: true });
      },
      source,
    ));

  it('says that a generator runs before the generator has yielded a record', () =>
    run(
      'isGenerator',
      async (host) => {
        const first = await host.host.generate();
        expect(first).toEqual({ payloads: [], ended: false, isRepeatable: true });
      },
      source,
    ));

  const misfitOf = ({ before, failure, record }: Misfit) => [before, record.replace(/\s/g, ''), failure.message];

  it('tells which records of a list do not fit, in their place, and generates the others', () =>
    run(
      'listsMisfits',
      async (host) => {
        const { records, misfits, ...rest } = await generate(host);
        expect(records).toEqual(events(1, 4));
        expect(rest).toEqual({ ended: false, isRepeatable: false });
        expect(misfits?.map(misfitOf)).toEqual([
          [1, '{"n":"two"}', expect.stringMatching(/\bn: expected long/)],
          [1, '{"m":3}', expect.stringMatching(/\b[mn]: /)],
        ]);
      },
      source,
    ));

  it('goes on with a generator after a record that does not fit', () =>
    run(
      'yieldsMisfit',
      async (host) => {
        const all: unknown[] = [];
        for (let isEnded = false; !isEnded; ) {
          const { payloads, misfits = [], ended } = await host.host.generate();
          for (const payload of payloads) all.push(decode(payload));
          for (const misfit of misfits) all.push(misfitOf(misfit)[1]);
          isEnded = ended;
        }
        expect(new Set(all)).toEqual(new Set([...events(1), '{"n":"two"}', ...events(3)]));
        expect(all).toHaveLength(3);
      },
      source,
    ));

  it('tells of a record with a number that JSON does not have, as JSON', () =>
    run(
      'yieldsNaN',
      async (host) => {
        const misfits: unknown[] = [];
        for (let isEnded = false; !isEnded; ) {
          const slice = await host.host.generate();
          misfits.push(...(slice.misfits ?? []).map(({ record }) => JSON.parse(record)));
          isEnded = slice.ended;
        }
        expect(misfits).toEqual([{ n: 'NaN' }]);
      },
      source,
    ));

  it('runs a program: a write resolves when the next request says that its record is stored', () =>
    run(
      'writes',
      async (host) => {
        const slices: Generated[] = [];
        const take = async () => {
          const slice = await host.host.generate();
          if (slice.payloads.length > 0 || slice.misfits !== undefined) slices.push(slice);
          return slice;
        };
        while (slices.flatMap(({ payloads }) => payloads).length < 2) {
          expect(host.logs).toEqual([]);
          await take();
        }
        while (!(await take()).ended);
        expect(host.logs).toEqual([['INFO', 'stored']]);
        expect(slices.flatMap(({ payloads }) => payloads.map(decode))).toEqual(events(1, 2, 3));
        expect(slices.flatMap(({ misfits = [] }) => misfits.map(misfitOf))).toEqual([
          [0, '{"n":"two"}', expect.stringMatching(/\bn: expected long/)],
        ]);
        expect(slices.every(({ isRepeatable, hasMore }) => !isRepeatable && hasMore === undefined)).toBe(true);
      },
      source,
    ));

  it('answers while a program writes nothing, and ends it when it is closed', () =>
    run(
      'writesOnce',
      async (host) => {
        expect(await generate(host)).toMatchObject({ records: events(1), ended: false });
        expect(await host.host.generate()).toMatchObject({ payloads: [], ended: false });
        await host.host.close();
        expect(host.crashes).toEqual([]);
      },
      source,
    ));

  it('sends a program a SIGTERM when it is closed, also one that has closed its sink', () =>
    run(
      'closesAndWaits',
      async (host) => {
        while (!(await host.host.generate()).ended);
        await host.host.close();
        expect(host.logs).toEqual([['INFO', 'cleaned up']]);
        expect(host.crashes).toEqual([]);
      },
      source,
    ));

  it('refuses what a program writes elsewhere, and says to where it may write', () =>
    run(
      'writesWrong',
      async (host) => {
        while (!(await host.host.generate()).ended);
        await host.until(() => host.logs.length === 2);
        expect(host.logs.map(([, line]) => line)).toEqual([
          expect.stringMatching(/^topics: expected "kflow\.\S+\.out", got "other"$/),
          expect.stringMatching(
            /^"\S+" is not the sink of this program; take the function of loadTopology\(\)\.dag without out$/,
          ),
        ]);
      },
      source,
    ));

  it('generates the records before an error, and then rejects with it', () =>
    run(
      'runsDry',
      async (host) => {
        expect(await generate(host)).toEqual({ records: events(1), ended: false, isRepeatable: true });
        await expect(generate(host)).rejects.toThrow('dry');
      },
      source,
    ));
}

function describeFinish(run: Run): void {
  it('gives an aggregate of its records, with the id of the order', () =>
    run('totals', async (host) => {
      expect(host.host.hasFinish).toBe(true);
      await host.processAll(numbered, events(4, 5));
      host.host.finish?.(77);
      await host.until(() => host.outcomes.has(77));
      expect(host.outputsOf(77)).toEqual(events(9, 2));
      expect(host.order.slice(-3)).toEqual(['output 77', 'output 77', 'done 77']);
    }));

  it('fails a finish that throws or does not fit, sends none of its outputs, and runs it again', () =>
    run('failsToFinish', async (host) => {
      host.host.finish?.(1);
      await host.until(() => host.outcomes.has(1));
      expect(host.failureOf(1).message).toBe('not yet');
      host.host.finish?.(2);
      await host.until(() => host.outcomes.has(2));
      expect(host.failureOf(2).message).toMatch(/\bn: expected long/);
      expect(host.outputsOf(2)).toEqual([]);
      host.host.finish?.(3);
      await host.until(() => host.outcomes.has(3));
      expect([host.outputsOf(3), host.outcomes.get(3)]).toEqual([events(3), 'done']);
    }));

  it('has no finish without code for one', () =>
    run(
      'addsStep',
      async (host) => {
        expect(host.host.hasFinish).not.toBe(true);
      },
      { meta: { step: 10 } },
    ));
}

function describeLoading(language: Language, { code, module, names }: HostFixture): void {
  const refusal = (given: string) =>
    new HostRun({ language, entry: 'run', code: given }).host.open().catch((error: unknown) => error);

  it.each([
    ['doesNotParse', 2],
    ['throwsOnLoad', 2],
  ] as const)('rejects code that cannot be loaded, and names the function and the line: %s', async (each, line) => {
    const error = await refusal(code[each]);
    expect(error).toMatchObject({ name: 'ConfigError', message: expect.stringMatching(/^map: /) });
    expect(error).toMatchObject({ message: expect.stringMatching(names(line)) });
  });

  it('rejects code without the function, and names it', async () => {
    expect(await refusal(code.hasNoRun)).toMatchObject({
      code: 'config-invalid',
      message: expect.stringMatching(/^map: .*no function "run"/),
    });
  });

  it('loads a module with the files that it imports, from the folder of the topology', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'kflow-module-'));
    for (const [name, content] of Object.entries(module.files)) writeFileSync(path.join(folder, name), content);
    const options = { language, entry: 'run', schema: numbered, module: `./${module.file}`, baseDir: folder };
    await withHost(
      undefined,
      async (host) => {
        await host.processAll(numbered, events(1));
        expect(host.outputsOf(0)).toEqual(events(6));
      },
      options,
    );
    rmSync(folder, { recursive: true });
  });
}

function describeProcess(language: Language, { exits, hangs }: HostFixture['process']): void {
  const open = (code: string) => openProcess(language, code);

  it('reports the exit of its process once, and nothing after it', async () => {
    const { host, pid } = await open(exits);
    host.host.process([0, 1, 2].map((n) => recordOf(n, numbered, { n })));
    await host.until(() => host.crashes.length > 0);
    expect(host.crashes).toMatchObject([
      { code: 'host-exited', message: expect.stringContaining('exited with code 3') },
    ]);
    host.host.process([recordOf(3, numbered, { n: 3 })]);
    host.host.release();
    await host.host.close();
    await expect(host.host.generate()).rejects.toMatchObject({ code: 'host-exited' });
    expect(host.order.filter((event) => /^(done|failed|output)/.test(event))).toEqual([]);
    expect(isAlive(pid)).toBe(false);
  });

  it('ends its process at once when it is killed, and reports nothing more', async () => {
    const { host, pid } = await open(exits);
    host.host.process([recordOf(0, numbered, { n: 0 })]);
    await host.host.kill();
    const { length } = host.order;
    expect(isAlive(pid)).toBe(false);
    await host.host.kill();
    await host.host.close();
    expect([host.order.length, host.crashes]).toEqual([length, []]);
  });

  it('lets its process end by itself when it is closed, and leaves none behind', async () => {
    const { host, pid } = await open(exits);
    expect(isAlive(pid)).toBe(true);
    await host.host.close();
    expect(host.logs.at(-1)).toEqual(['INFO', 'closed']);
    expect(isAlive(pid)).toBe(false);
    expect(host.crashes).toEqual([]);
  });

  it('kills its process when a function does not return in time after it is closed', async () => {
    const { host, pid } = await open(hangs);
    host.host.process([recordOf(0, numbered, { n: 0 })]);
    await host.until(() => host.order.includes('heartbeat 0'));
    await host.host.close();
    expect(isAlive(pid)).toBe(false);
    expect([...host.outcomes]).toEqual([]);
    expect(host.crashes).toEqual([]);
  });
}

/** A host whose code has logged the id of its process. */
async function openProcess(language: Language, code: string): Promise<{ host: HostRun; pid: number }> {
  const host = new HostRun({ language, entry: 'run', code, schema: numbered });
  await host.host.open();
  await host.until(() => host.logs.length === 1);
  return { host, pid: Number(host.logs[0]?.[1]) };
}

/** What the code of one record does to its process ends that process, and nothing else. */
function describeContainment(language: Language, code: HostFixture['process']): void {
  const records = (from: number, to: number) => range(from, to).map((n) => recordOf(n, numbered, { n }));
  const isDone = (host: HostRun, ids: readonly number[]) => ids.every((id) => host.outcomes.get(id) === 'done');

  it.each([
    ['exits with status 0', 'exitsOnTwo', /^host-exited$/, /exited with code 0$/],
    ['is killed', 'diesOnTwo', /^host-failed$/, /was killed by SIGKILL$/],
    ['writes among the frames', 'writesOnTwo', /^host-failed$/, /broke the protocol: .*"hello, world\\n/],
    ['writes to its input', 'writesToInputOnTwo', /^host-failed$/, /broke the protocol: it wrote to the descriptor/],
    // a process that notices exits by itself
    [
      'closes the descriptor of its frames',
      'closesOnTwo',
      /^host-/,
      /broke the protocol: it closed its side|cannot send frames/,
    ],
  ] as const)(
    'crashes when its process %s; the next host runs the other records',
    async (_, each, errorCode, message) => {
      const { host, pid } = await openProcess(language, code[each]);
      host.host.process(records(0, 5));
      await host.until(() => host.crashes.length > 0);
      expect(host.crashes).toMatchObject([
        { code: expect.stringMatching(errorCode), message: expect.stringMatching(message) },
      ]);
      expect([...host.outcomes].filter(([id, outcome]) => id > 1 || outcome !== 'done')).toEqual([]);
      expect([isAlive(pid), host.faults]).toEqual([false, []]);
      const next = await openProcess(language, code[each]);
      next.host.host.process(records(3, 5));
      await next.host.until(() => isDone(next.host, [3, 4]));
      await next.host.host.close();
    },
  );

  it('has reported the records before one that never returns, and can be killed', async () => {
    const { host, pid } = await openProcess(language, code.hangsOnTwo);
    host.host.process(records(0, 5));
    await host.until(() => isDone(host, [0, 1]));
    await host.host.kill();
    expect([isAlive(pid), host.crashes, host.outcomes.size]).toEqual([false, [], 2]);
  });

  it('can be closed while a record never returns, and gives back the records behind it', async () => {
    const { host, pid } = await openProcess(language, code.hangsOnTwo);
    host.host.process(records(0, 5_000)); // more than it sends to a process at once
    await host.until(() => isDone(host, [0, 1]));
    await host.host.close();
    expect([isAlive(pid), host.crashes]).toEqual([false, []]);
    // It may not have begun when the host was closed.
    expect([undefined, 'released']).toContain(host.outcomes.get(2));
    expect(host.outcomes.get(4_999)).toBe('released');
  });

  it('ends what its process has started together with it', async () => {
    const { host } = await openProcess(language, code.startsOnTwo);
    host.host.process(records(2, 3));
    await host.until(() => host.logs.length === 2);
    const started = Number(host.logs[1]?.[1]);
    expect(isAlive(started)).toBe(true);
    await host.host.kill();
    await host.until(() => !isAlive(started));
  });

  it('cuts the text of an error, and processes the neighbors of its record', async () => {
    const { host } = await openProcess(language, code.throwsLongOnTwo);
    host.host.process(records(0, 5));
    await host.until(() => host.outcomes.size === 5);
    const { message, trace = '' } = host.failureOf(2);
    expect(message).toMatch(/^x+/);
    expect(message.length + trace.length).toBeLessThan(100_000);
    expect(isDone(host, [0, 1, 3, 4])).toBe(true);
    await host.host.close();
  });

  it('logs a long text without a newline in pieces, in order and before the end of its record', async () => {
    const { host } = await openProcess(language, code.printsOnTwo);
    host.host.process(records(2, 3));
    await host.until(() => host.outcomes.size === 1);
    const texts = host.logs.slice(1).map(([, text]) => text);
    expect(texts.join('') === 'x'.repeat(1_000_000)).toBe(true);
    expect(Math.max(...texts.map((text) => text.length))).toBeLessThan(200_000);
    await host.host.close();
  });

  it('asks a generator for more only when there is room for its outputs', async () => {
    const { host } = await openProcess(language, code.yieldsForever);
    const stored: (() => void)[] = [];
    host.store = () => new Promise((resolve) => stored.push(resolve));
    host.host.process(records(0, 1));
    await host.until(() => stored.length === 64);
    for (const resolve of stored.splice(0)) resolve();
    await host.until(() => stored.length === 64);
    expect(host.outcomes.size).toBe(0);
    await host.host.kill();
    expect(stored).toHaveLength(64);
  });
}
