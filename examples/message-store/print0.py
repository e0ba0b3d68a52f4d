from kfbasicpy.function.context import Context
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
