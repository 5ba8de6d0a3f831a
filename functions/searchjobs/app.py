"""Commands from SQS: to run a search that a webhook has asked for, which is brought to its end or comes again, and to
look through an event's watches."""

from facesearch.api.queue_handler import one_by_one, queue_handler
from facesearch.bootstrap import container
from facesearch.observability import log_request
from facesearch.webhooks.commands import COMMANDS, MessageDelivery, NotNowError, WatchCommand


def run(body: str, delivery: MessageDelivery) -> None:
    command = COMMANDS.validate_json(body)
    if isinstance(command, WatchCommand):
        run_watches(command, delivery)
        return
    log_request(command.search.org_id, command.search.event_id, command.search.request_id)
    container.job_runner.run(command, delivery)


def run_watches(watch: WatchCommand, delivery: MessageDelivery) -> None:
    if container.watch_runner is None:
        return
    log_request(watch.org_id, watch.event_id, None)
    last = delivery.number >= container.settings.search_job_deliveries
    container.watch_runner.run(watch, delivery.seconds_left, last=last)


handler = queue_handler(one_by_one(run), comes_again=NotNowError)
