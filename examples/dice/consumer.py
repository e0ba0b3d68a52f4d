"""Rolls dice: `python examples/dice/consumer.py`, as many of them as you like. SIGTERM or Ctrl+C ends one after its message."""

import logging

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-8s %(message)s")

import random

from kfbasicpy.tasks.consumer import Consumer
from kfbasicpy.tasks.operation import Operation
from kfbasicpy.tasks.registry import OperationRegistry
from kfbasicpy.tasks.result import Result
from kfbasicpy.tasks.task import Task

oregistry = OperationRegistry()


@oregistry.subscribe
class DiceRoll(Task):
    def run(self):
        launch = random.randint(1, 6)
        return Result(uuid=self.uuid, stdout="You made a {}".format(launch))


@oregistry.subscribe
class DiceLaunch(Operation):
    def build_tasks(self, **kwargs):
        return [DiceRoll(), DiceRoll(), DiceRoll()]


if __name__ == "__main__":
    oregistry.init_app()
    cons = Consumer("dice")
    cons.REGISTRY = oregistry.controller
    cons.run()
