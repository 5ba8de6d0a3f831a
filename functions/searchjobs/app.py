"""Searches that webhooks have asked for, ordered through SQS: each is brought to its end, or comes again. And rounds
over those that watch for later photos."""

from facesearch.api.handler import log_request
from facesearch.api.queue_handler import QueueMessage, one_by_one
from facesearch.bootstrap import container
from facesearch.webhooks.commands import SearchCommand
from facesearch.webhooks.job_runner import MessageDelivery, NotNowError
from facesearch.webhooks.watches.commands import WatchCommand
from facesearch.webhooks.watches.runner import WatchInvocation


def run(message: QueueMessage) -> None:
    watch = WatchCommand.of(message.body)
    if watch is not None:
        run_watches(watch, message)
        return
    order = SearchCommand.of(message.body)
    log_request(order.search.org_id, order.search.event_id, order.search.request_id)
    container.search_jobs.run(order, MessageDelivery(message.number, message.receipt), message.seconds_left)


def run_watches(watch: WatchCommand, message: QueueMessage) -> None:
    if container.watching is None:
        return
    log_request(watch.org_id, watch.event_id, None)
    last = message.number >= container.settings.search_job_deliveries
    container.watching.run(watch, WatchInvocation(lambda: int(message.seconds_left() * 1000), last))


handler = one_by_one(run, comes_again=NotNowError)
