def process(ctx, event):
    with open(ctx.get_downloader_local_object_url(), encoding="utf-8") as file:
        return {"key": event["key"], "words": len(file.read().split())}
