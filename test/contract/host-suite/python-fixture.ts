import type { HostFixture } from './host-fixture';

const pythonProgram = `import asyncio
from kfbasicpy.runtime.config import loadTopology
from kfbasicpy.sink.nats_sink import NatsSink

topology = loadTopology()
sink = next(each for each in topology.dag if len(each.out) == 0)`;

export const pythonFixture: HostFixture = {
  code: {
    addsStep: `class run(ProcessFunction):
    def open(self, schema_in, ctx):
        self.step = ctx.get_process_fn_meta()["step"]
    def process(self, event_dict, ctx):
        return {"n": event_dict["n"] + self.step}
`,
    returnsNothing: 'def run(ctx, event):\n    pass',
    returnsThree: 'def run(ctx, event):\n    return [{"n": event["n"] + step} for step in range(3)]',
    generates: 'def run(ctx, event):\n    yield event\n    yield {"n": event["n"] + 1}',
    usesSides: `def run(ctx, event):
    ctx.to_side_stream("low", {"n": event["n"] + 1})
    ctx.to_side_stream("high", {"text": "up"})
    return event
`,
    usesUnknownSide: 'def run(ctx, event):\n    ctx.to_side_stream("other", event)',
    throwsOnTwo: 'def run(ctx, event):\n    if event["n"] == 2:\n        raise ValueError("not two")\n    return event',
    throwsAckException: `class Transient(AckException):
    def should_ack(self): return False
    def payload_as_json(self): return False
def run(ctx, event):
    raise AckException("done") if event["n"] == 1 else Transient("again")
`,
    acksEverySecond: `count = 0
def run(ctx, event):
    global count
    count += 1
    if count % 2 == 0:
        ctx.request_ack()
    return event
`,
    acksWhenOpen: `import os
class run(ProcessFunction):
    def open(self, schema_in, ctx):
        self.gate = ctx.get_process_fn_meta()["gate"]
    async def process(self, event_dict, ctx):
        while event_dict["n"] == 1 and not os.path.exists(self.gate):
            await asyncio.sleep(0.005)
        ctx.request_ack()
`,
    acksAtTheEnd: `class run(ProcessFunction):
    def process(self, event_dict, ctx):
        self.ctx = ctx
    def close(self):
        self.ctx.request_ack()
        return {"n": 9}
`,
    makesSideRecord: `import json
def run(ctx, event):
    record = ctx.get_new_record("low")
    print(json.dumps(record))
    record["n"] = event["n"]
    ctx.to_side_stream("low", record)
`,
    flushes: 'def run(ctx, event):\n    ctx.flush(ctx.get_downloader_local_object_url(), "/tmp/none/of/these")',
    namesClasses:
      'def run(ctx, event):\n    print(type(event["at"]).__name__, type(event["price"]).__name__)\n    return event',
    misfitsOnTwo: 'def run(ctx, event):\n    return {"n": "two"} if event["n"] == 2 else event',
    doubles: 'def run(ctx, event):\n    return {"text": event["text"] * 2}',
    describes: `class run(ProcessFunction):
    def open(self, schema_in, ctx):
        self.place = f"{ctx.flow_id} {ctx.function_id}"
    def process(self, event_dict, ctx):
        path = ctx.get_downloader_local_object_url() or "none"
        metadata = ctx.get_downloader_object_metadata() or {}
        print(self.place, path, metadata.get("size", "none"))
`,
    traces: 'def run(ctx, event):\n    print(ctx.trace_parent or "none")',
    logs: `def run(ctx, event):
    print("one")
    logger.warning("two")
    logging.getLogger("other").error("three")
    ctx.heartbeat()
    return event
`,
    waits: `import os
class run(ProcessFunction):
    def open(self, schema_in, ctx):
        self.gate = ctx.get_process_fn_meta()["gate"]
    async def process(self, event_dict, ctx):
        logger.info("began %d", event_dict["n"])
        while not os.path.exists(self.gate):
            await asyncio.sleep(0.005)
        return event_dict
`,
    streams: `async def run(ctx, event, q):
    for step in range(3):
        await q.put({"n": event["n"] + step})
    return StreamMsg.OK
`,
    failsAfterPut: 'async def run(ctx, event, q):\n    await q.put(event)\n    raise ValueError("after")',
    yieldsNaN: 'def run():\n    yield {"n": float("nan")}',
    yieldsSameRecord: 'def run():\n    same = {}\n    for same["n"] in range(1, 4):\n        yield same',
    isGenerator: 'def run():\n    for n in range(600):\n        yield {"n": n}',
    returnsLists: 'lists = [[{"n": 1}, {"n": 2}], [{"n": 3}]]\ndef run():\n    return lists.pop(0) if lists else None',
    listsMisfits: 'def run():\n    return [{"n": 1}, {"n": "two"}, {"m": 3}, {"n": 4}]',
    yieldsMisfit: 'def run():\n    yield {"n": 1}\n    yield {"n": "two"}\n    yield {"n": 3}',
    totals: `class run(ProcessFunction):
    def open(self, schema_in, ctx):
        self.sum, self.count = 0, 0
    def process(self, event_dict, ctx):
        self.sum += event_dict["n"]
        self.count += 1
    def close(self):
        yield {"n": self.sum}
        yield {"n": self.count}
`,
    failsToFinish: `calls = 0
def run(ctx, event):
    pass
async def finish(ctx):
    global calls
    calls += 1
    if calls == 1:
        raise ValueError("not yet")
    return [{"n": 1}, {"n": "two"}] if calls == 2 else {"n": calls}
`,
    writes: `${pythonProgram}
async def main():
    pub = await NatsSink.build(sink)
    await asyncio.gather(*[pub.write(topics=sink.topics, event_dic={"n": n}) for n in (1, 2)])
    print("stored")
    await pub.write(topics=sink.topics, event_dic={"n": "two"})
    await pub.write(sink.topics, {"n": 3})
if __name__ == "__main__":
    asyncio.run(main())
`,
    writesOnce: `${pythonProgram}
import threading
async def main():
    pub = await NatsSink.build(sink)
    await pub.write(sink.topics, {"n": 1})
    threading.Event().wait()
asyncio.run(main())
`,
    writesSameRecord: `${pythonProgram}
async def main():
    pub = await NatsSink.build(sink)
    same = {}
    writes = []
    for n in (1, 2, 3):
        same["n"] = n
        writes.append(asyncio.ensure_future(pub.write(sink.topics, same)))
        await asyncio.sleep(0)
    await pub.close()
asyncio.run(main())
`,
    closesAndWaits: `${pythonProgram}
import threading
async def main():
    pub = await NatsSink.build(sink)
    await pub.close()
    try:
        threading.Event().wait()
    finally:
        print("cleaned up")
asyncio.run(main())
`,
    writesWrong: `${pythonProgram}
async def main():
    pub = await NatsSink.build(sink)
    for attempt in (pub.write("other", {"n": 1}), NatsSink.build(next(f for f in topology.dag if f.out))):
        try:
            await attempt
        except ValueError as error:
            print(error)
asyncio.run(main())
`,
    runsDry: 'def run():\n    yield {"n": 1}\n    raise ValueError("dry")',
    doesNotParse: '# first\ndef run(ctx, event) return event',
    throwsOnLoad: '# first\nraise ValueError("at load")\ndef run(ctx, event):\n    pass',
    hasNoRun: 'def walk(ctx, event):\n    pass',
  },
  module: {
    file: 'module.py',
    files: {
      'module.py': 'from five import FIVE\ndef run(ctx, event):\n    return {"n": event["n"] + FIVE}',
      'five.py': 'FIVE = 5',
    },
  },
  classes: { base: ['int', 'bytes'], logical: ['datetime', 'Decimal'] },
  errorType: 'ValueError',
  names: (line) => new RegExp(`line ${line}\\b`),
  process: {
    exits: `import os
logger.info(str(os.getpid()))
class run(ProcessFunction):
    def process(self, event_dict, ctx):
        os._exit(3)
    def close(self):
        logger.info("closed")
`,
    hangs: 'import os\nlogger.info(str(os.getpid()))\ndef run(ctx, event):\n    ctx.heartbeat()\n    while True: pass',
    exitsOnTwo: onTwo('os._exit(0)'),
    diesOnTwo: onTwo('os.kill(os.getpid(), 9)'),
    hangsOnTwo: onTwo('while True: pass'),
    writesOnTwo: onTwo('os.write(sockets()[-1], b"hello, world\\n"); time.sleep(1000)'),
    writesToInputOnTwo: onTwo('os.write(sockets()[-2], b"hello"); time.sleep(1000)'),
    closesOnTwo: onTwo('os.close(sockets()[-1]); time.sleep(1000)'),
    throwsLongOnTwo: onTwo('raise ValueError("x" * 2_000_000)'),
    startsOnTwo: onTwo('p = subprocess.Popen(["sleep", "1000"]); logger.info(str(p.pid)); p.wait()'),
    printsOnTwo: onTwo('[print("x" * 10, end="") for _ in range(100_000)]'),
    yieldsForever: `import os
logger.info(str(os.getpid()))
def run(ctx, event):
    while True:
        yield event
`,
  },
};

function onTwo(statement: string): string {
  return `import os, stat, subprocess, time
logger.info(str(os.getpid()))
def sockets():
    """The host's sockets for its input and its frames, which have high numbers."""
    high = [fd for fd in sorted(map(int, os.listdir("/dev/fd"))) if fd > 4 and os.path.exists(f"/dev/fd/{fd}")]
    return [fd for fd in high if stat.S_ISSOCK(os.fstat(fd).st_mode)]
def run(ctx, event):
    if event["n"] == 2:
        ${statement}
    return event
`;
}
