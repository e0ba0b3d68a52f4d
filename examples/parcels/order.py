from kfbasicpy.task.errors import TaskError


def price(ctx, input):
    return {**input, "total": sum(item["price"] * item["count"] for item in input["items"])}


def charge(ctx, input, currency):
    if input["card"].startswith("0"):
        raise TaskError("card-refused", f"the card of {input['customer']} was refused")
    return {"paid": f"{input['total']} {currency}"}


def refuse(ctx, input):
    """The error branch of `charge`: it gets what has failed, and the input of `charge`."""
    return {"paid": "nothing", "why": input["error"]["message"]}


def items(ctx, input):
    return input["items"]
