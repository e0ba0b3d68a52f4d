import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { s3list } from '../../../lib/topology/function-types/fs-source';
import { fingerprintOf } from '../../../runtime/engine/avro-message';
import {
  decode,
  fingerprintIn,
  type HostRun,
  numbered,
  recordOf,
  s3event,
  sideOutputOf,
  withHost,
} from '../../support/host-run';

describe('the documents', () => {
  const map = `from kfbasicpy.function.context import Context
from kfbasicpy.function.function import StreamProcessFunction
from kfbasicpy.function.stream_queue import StreamMsg, StreamQueue

async def process(ctx: Context | None, event_dict: dict[str, Any], q: StreamQueue) -> StreamMsg:
    for i in range(0, 1):
        print(f'{i} < - duplicate index')
        ctx.heartbeat()
        event_dict["key"] = "t" * 1024 * 1024 * 5
        await q.put(event_dict)
    return StreamMsg.OK
`;
  const print0 = `from kfbasicpy.function.context import Context
def process(
    ctx: Context,
    event: dict[str, Any],
) -> dict[str, Any]:
    if ctx is not None:
        logger.info(
            f"metadata: {ctx.get_downloader_object_metadata()} "
            f"path: {ctx.get_downloader_local_object_url()} "
        )
    from kfbasicpy.function.open_context import OpenContext
    import io
    buff = io.BytesIO()
    import json
    data = json.dumps(event)
    buff.write(data.encode())
    print(buff.tell())
    return event
`;

  it('puts a 5 MB record into the queue, with a heartbeat meanwhile', async () => {
    await withHost(
      map,
      async (run) => {
        await run.processAll(s3list, [s3event]);
        expect(run.outputsOf(0)).toEqual([{ ...s3event, key: 't'.repeat(5 * 1024 * 1024) }]);
        expect(run.order).toEqual(['heartbeat 0', 'INFO 0 < - duplicate index', 'output 0', 'done 0']);
      },
      { schema: s3list, isStreaming: true },
    );
  });

  it('logs the download and the size of a 5 MB record, and passes it on', async () => {
    await withHost(
      print0,
      async (run) => {
        const event = { ...s3event, key: 't'.repeat(5 * 1024 * 1024) };
        const download = { path: '/tmp/h/a', metadata: { size: 3 } };
        run.host.process([{ ...recordOf(0, s3list, event), download }, recordOf(1, s3list, s3event)]);
        await run.until(() => run.outcomes.size === 2);
        expect(run.outputsOf(0)).toEqual([event]);
        expect(run.logs).toEqual([
          ['INFO', "metadata: {'size': 3} path: /tmp/h/a "],
          ['INFO', String(JSON.stringify(event).length + 7)],
          ['INFO', 'metadata: None path: None '],
          ['INFO', String(JSON.stringify(s3event).length + 7)],
        ]);
      },
      { schema: s3list },
    );
  });
});

describe('what a function returns', () => {
  it.each([
    ['a dict, async', 'async def process(ctx, event):\n    return {"n": event["n"] + 1}', [{ n: 8 }]],
    [
      'an async generator',
      'async def process(ctx, event):\n    for i in range(2):\n        yield {"n": i}',
      [{ n: 0 }, { n: 1 }],
    ],
    [
      'asyncio.run in a sync function',
      'def process(ctx, event):\n    asyncio.run(asyncio.sleep(0))\n    return event',
      [{ n: 7 }],
    ],
  ])('becomes outputs: %s', async (_, code, expected) => {
    await withHost(
      code,
      async (run) => {
        await run.processAll(numbered, [{ n: 7 }]);
        expect(run.outcomes.get(0)).toBe('done');
        expect(run.outputsOf(0)).toEqual(expected);
      },
      { schema: numbered },
    );
  });

  it('fails the record when it is not a record, and names its type', async () => {
    await withHost('def process(ctx, event):\n    return 3', async (run) => {
      await run.processAll(numbered, [{ n: 1 }]);
      const expected = 'the function returned int 3; return a dict, a list or a generator of dicts, or None';
      expect(run.failureOf(0).message).toBe(expected);
    });
  });
});

describe('schemas of outputs', () => {
  it('uses the declared schema when the output fits, else that of the input', async () => {
    const code = 'def process(ctx, event):\n    return [{"n": 1, "name": "x"}, event]';
    const named = { type: 'record', name: 'named', fields: [...numbered.fields, { name: 'name', type: 'string' }] };
    await withHost(
      code,
      async (run) => {
        await run.processAll(numbered, [{ n: 5 }]);
        expect(run.outputsOf(0)).toEqual([{ n: 1, name: 'x' }, { n: 5 }]);
        const [first] = run.outputs.get(0) ?? [];
        expect(fingerprintIn(first?.payload ?? Buffer.alloc(10))).toBe(fingerprintOf(named));
      },
      { schema: named },
    );
  });

  it('names the first field that does not fit', async () => {
    const items = {
      type: 'array',
      items: { type: 'record', name: 'item', fields: [{ name: 'price', type: 'double' }] },
    };
    const schema = { type: 'record', name: 'order', fields: [{ name: 'items', type: items }] };
    const code = 'def process(ctx, event):\n    return {"items": [{"price": 1.5}, {"price": 2}, {"price": "x"}]}';
    await withHost(
      code,
      async (run) => {
        await run.processAll(numbered, [{ n: 5 }]);
        expect(run.failureOf(0)).toMatchObject({
          type: 'RecordError',
          message: 'the output does not fit the function\'s schema: items[2].price: expected double, got str "x"',
        });
      },
      { schema },
    );
  });

  it('sends a side output at once, in its own schema', async () => {
    const side = sideOutputOf('errors', numbered);
    const code = 'def process(ctx, event):\n    ctx.to_side_stream("errors", {"n": -1})\n    raise ValueError("no")';
    await withHost(
      code,
      async (run) => {
        await run.processAll(s3list, [s3event]);
        expect(run.order).toEqual(['output 0 to errors', 'failed 0']);
        expect(run.outputs.get(0)?.map(({ side, payload }) => [side, decode(payload)])).toEqual([
          ['errors', { n: -1 }],
        ]);
      },
      { sideOutputs: [side] },
    );
  });
});

describe('what a function raises', () => {
  it("fails the record with the user's line in the trace", async () => {
    await withHost('def process(ctx, event):\n    total = 1\n    return total / event["n"]\n', async (run) => {
      await run.processAll(numbered, [{ n: 0 }, { n: 1 }]);
      const failure = run.failureOf(0);
      expect(failure).toMatchObject({ type: 'ZeroDivisionError', message: expect.stringContaining('division') });
      const lines = failure.trace?.split('\n') ?? [];
      expect(lines.slice(0, 3)).toEqual([
        'Traceback (most recent call last):',
        '  File "<code of map>", line 3, in process',
        '    return total / event["n"]',
      ]);
      expect(lines.at(-2)).toContain('ZeroDivisionError: ');
    });
  });

  it('reports the decision of an AckException', async () => {
    const code = `from kfbasicpy.runtime.basic import AckException
class Transient(AckException):
    def should_ack(self):
        return False
def process(ctx, event):
    raise (AckException if event["n"] else Transient)("why")
`;
    await withHost(code, async (run) => {
      await run.processAll(numbered, [{ n: 0 }, { n: 1 }]);
      expect(run.failureOf(0)).toMatchObject({ type: 'Transient', message: 'why', ack: false, payloadAsJson: true });
      expect(run.failureOf(1)).toMatchObject({ type: 'AckException', ack: true, payloadAsJson: true });
    });
  });

  it.each(['def', 'async def'])('fails only that record when it asks to exit (%s)', async (kind) => {
    const code = `import sys\n${kind} process(ctx, event):\n    if event["n"] == 0:\n        sys.exit(3)\n    return event`;
    await withHost(code, async (run) => {
      await run.processAll(numbered, [{ n: 0 }, { n: 1 }]);
      expect(run.failureOf(0)).toMatchObject({ type: 'SystemExit', message: '3' });
      expect(run.outputsOf(1)).toEqual([{ n: 1 }]);
    });
  });
});

describe('what a function logs', () => {
  it('is logged in order, print as INFO, stderr as WARNING, logging at its own level', async () => {
    const code = `import sys
def process(ctx, event):
    print("one", end=" "); print("and two")
    logger.debug("not said")
    logger.warning("three")
    print("four", file=sys.stderr)
    logging.getLogger("x").error("five")
    print("six\\nseven", end="")
    return event
`;
    await withHost(code, async (run) => {
      await run.processAll(numbered, [{ n: 0 }]);
      expect(run.logs).toEqual([
        ['INFO', 'one and two'],
        ['WARNING', 'three'],
        ['WARNING', 'four'],
        ['ERROR', 'five'],
        ['INFO', 'six'],
        ['INFO', 'seven'],
      ]);
      expect(run.order.at(-1)).toBe('done 0');
    });
  });

  it('is cut off below KFLOW_RUNTIME_LOG_LEVEL', async () => {
    const code =
      'def process(ctx, event):\n    print("info")\n    logger.warning("warning")\n    logger.error("error")';
    const check = async (run: HostRun) => {
      await run.processAll(numbered, [{ n: 0 }]);
      expect(run.logs).toEqual([['ERROR', 'error']]);
    };
    await withHost(code, check, { env: { KFLOW_RUNTIME_LOG_LEVEL: 'ERROR' } });
  });

  it('is kept when it bypasses Python and goes to the file descriptors', async () => {
    const code =
      'import os, subprocess\ndef process(ctx, event):\n    os.write(1, b"raw\\n")\n    subprocess.run(["sh", "-c", "echo child >&2"])';
    await withHost(code, async (run) => {
      await run.processAll(numbered, [{ n: 0 }]);
      await run.until(() => run.logs.length === 2);
      expect(run.logs).toEqual(
        expect.arrayContaining([
          ['INFO', 'raw'],
          ['WARNING', 'child'],
        ]),
      );
    });
  });
});

describe('time', () => {
  it('results and heartbeats come through while a later record still runs', async () => {
    const code = `import os, time
def process(ctx, event):
    if event["n"] == 1:
        ctx.heartbeat()
        while not os.path.exists(event["until"]):
            time.sleep(0.005)
    return None
`;
    const gated = { type: 'record', name: 'gated', fields: [...numbered.fields, { name: 'until', type: 'string' }] };
    await withHost(code, async (run) => {
      const directory = mkdtempSync(join(tmpdir(), 'gate-'));
      const until = join(directory, 'open');
      run.host.process([recordOf(0, gated, { n: 0, until }), recordOf(1, gated, { n: 1, until })]);
      await run.until(() => run.order.length === 2);
      expect([...run.order].sort()).toEqual(['done 0', 'heartbeat 1']);
      expect(run.outcomes.has(1)).toBe(false);
      writeFileSync(until, '');
      await run.until(() => run.outcomes.has(1));
      rmSync(directory, { recursive: true });
    });
  });
});
