import asyncio
import threading
import unittest

from kfbasicpy.function.context import Context
from kfbasicpy.function.open_context import OpenContext
from kfbasicpy.function.stream_queue import StreamQueue
from kfbasicpy.host.window import Window
from kfbasicpy.runtime.basic import AckException, Function
from kfbasicpy.sink.nats_sink import NatsSink


class Port:
    def __init__(self):
        self.calls = []

    def heartbeat(self, record):
        self.calls.append(("heartbeat", record))

    def side_output(self, record, side, event):
        self.calls.append((side, record, event))


class NatsSinkTest(unittest.TestCase):
    def test_is_refused_where_the_host_runs_no_program_with_the_remedy(self):
        with self.assertRaisesRegex(RuntimeError, "names NatsSink in its main file too: import it there"):
            asyncio.run(NatsSink.build(Function("sink", "nats-sink")))


class ContextTest(unittest.TestCase):
    def test_returns_the_download_or_none(self):
        ctx = Context(Port(), 1, b'{"path": "/tmp/a", "metadata": {"size": 3}}')
        self.assertEqual(ctx.get_downloader_local_object_url(), "/tmp/a")
        self.assertEqual(ctx.get_downloader_object_metadata(), {"size": 3})
        self.assertIsNone(Context(Port(), 1).get_downloader_object_metadata())
        self.assertIsNone(Context(Port(), 1).get_downloader_local_object_url())

    def test_forwards_calls_with_its_record(self):
        port = Port()
        ctx = Context(port, 7)
        ctx.heartbeat()
        ctx.to_side_stream("errors", {"n": 1})
        self.assertEqual(port.calls, [("heartbeat", 7), ("errors", 7, {"n": 1})])

    def test_open_context_identifies_the_flow(self):
        ctx = OpenContext("default", "jobx", "map", 2, {"increment": 3})
        self.assertEqual((ctx.flow_id, ctx.function_id, ctx.get_process_fn_meta()), ("default/jobx", "map", {"increment": 3}))


class AckExceptionTest(unittest.TestCase):
    def test_acks_and_reports_json_unless_overridden(self):
        self.assertTrue(AckException("x").should_ack())
        self.assertTrue(AckException("x").payload_as_json())


class StreamQueueTest(unittest.TestCase):
    def test_counts_the_puts_that_were_not_awaited(self):
        async def put(event):
            await asyncio.sleep(0)

        async def main():
            queue = StreamQueue(put)
            forgotten = queue.put({})
            await queue.put({})
            self.assertEqual(queue.unfinished, 1)
            await forgotten
            self.assertEqual(queue.unfinished, 0)

        asyncio.run(main())


class WindowTest(unittest.TestCase):
    def test_has_room_for_64_outputs_or_one_of_any_size(self):
        window = Window()
        self.assertTrue(all(window.try_acquire(1) for _ in range(64)))
        self.assertFalse(window.try_acquire(1))
        window.credit(64, 64)
        self.assertTrue(window.try_acquire(100 << 20))
        self.assertFalse(window.try_acquire(1))

    def test_wakes_a_waiting_thread(self):
        window = Window()
        window.acquire_blocking(17 << 20)
        waiting = threading.Thread(target=window.acquire_blocking, args=(1,))
        waiting.start()
        window.credit(1, 17 << 20)
        waiting.join(5)
        self.assertFalse(waiting.is_alive())


if __name__ == "__main__":
    unittest.main()
