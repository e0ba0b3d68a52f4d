"""A task worker that listens to events: the tasks of the namespace `sleep`, such as `sleep:nap(- for: 5 -)`."""

from time import sleep

from kfbasicpy.tasks.event_listener import EventListener, message, receipt_for


class SleepListener(EventListener):
    def __init__(self, key, group="sleep"):
        super().__init__(key, group, select=["start-task"])

    def process(self, event_id, event):
        workflow_id, name, index = event["workflow"], event["name"], event["index"]
        duration = float(event["parameters"].get("for", 60))

        self.append(receipt_for(event_id))

        sleep(duration)

        end_event = {"name": name, "index": index, "workflow": workflow_id, "status": "SUCCESS", "output": event.get("input")}

        self.append(message(end_event, kind="end-task"))
        return True


if __name__ == "__main__":
    SleepListener("workflow:run").listen()
