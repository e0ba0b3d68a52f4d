"""Schemas for the tests."""


def record(*fields):
    return {"type": "record", "name": "r", "fields": [{"name": name, "type": type, **more} for name, type, more in fields]}


def named_q(*fields):
    return {**record(*fields), "name": "q"}
