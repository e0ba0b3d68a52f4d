"""Asks for one roll, and for an operation of three: `python examples/dice/producer.py`."""

import logging

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-8s %(message)s")

import uuid

from kfbasicpy.tasks.producer import Producer
from kfbasicpy.tasks.schemas import Message

pro = Producer()
pro.send("dice", Message(uuid=str(uuid.uuid4()), entrypoint="__main__.DiceRoll"))
pro.send("dice", Message(uuid=str(uuid.uuid4()), entrypoint="__main__.DiceLaunch"))
pro.close()
