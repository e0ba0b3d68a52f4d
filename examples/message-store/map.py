from kfbasicpy.function.context import Context
from kfbasicpy.function.function import StreamProcessFunction
from kfbasicpy.function.stream_queue import StreamMsg, StreamQueue

async def process(ctx: Context | None, event_dict: dict[str, Any], q: StreamQueue) -> StreamMsg:
    for i in range(0, 1):
        print(f'{i} < - duplicate index')
        ctx.heartbeat()
        event_dict["key"] = "t" * 1024 * 1024 * 5
        await q.put(event_dict)
    return StreamMsg.OK
