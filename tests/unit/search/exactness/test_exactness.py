"""Whatever happens to an event, in whatever order, and whoever dies or interferes between any two steps: a search finds
exactly what a float64 comparison with every stored vector finds, and nothing that was deleted."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from numpy.typing import NDArray

from facesearch.faces.index.event import IndexCache
from tests.support.examples import examples
from tests.support.site import CrashError, die
from tests.unit.search.exactness import acts as do
from tests.unit.search.exactness.acts import Act
from tests.unit.search.exactness.bench import (
    ALBUM,
    LOOKS,
    MODELS,
    PEOPLE,
    VIEWS,
    ExactnessBench,
    cosine,
)

TINY = 1e-9
"""Next to a score: float64 sums of 128 products in another order differ by 1e-16."""
numbers = st.integers(0, len(ALBUM) - 1)
views = st.integers(0, PEOPLE * VIEWS - 1)
uploads = st.builds(partial, st.just(do.upload), numbers)
acts: st.SearchStrategy[Act] = st.one_of(
    uploads,
    uploads,
    st.builds(partial, st.just(do.deliver), st.integers(0, 99)),
    st.builds(partial, st.just(do.delete_photos), st.tuples(numbers, numbers)),
    st.builds(partial, st.just(do.delete_person), views, st.booleans()),
    st.builds(partial, st.just(do.tear), st.integers(0, 99_999)),
    st.builds(partial, st.just(do.reindex), st.sampled_from((None, *MODELS)), st.booleans()),
    *map(st.just, (do.compact, do.carry_out, do.cancel)),
)
"""Uploads twice: something must be there to be found."""
whens = st.tuples(st.integers(1, 24), st.booleans())
"""At which call of a store, and whether after it was carried out."""
early = st.tuples(st.integers(1, 6), st.booleans())
"""A search makes no more calls than that."""


class DisturbedEvent(RuleBasedStateMachine):
    """An event, the environments that search it, and one process at a time that acts on it, disturbed or not."""

    def __init__(self) -> None:
        super().__init__()
        self.world = ExactnessBench()
        self.process = self.world.fused
        self.environments: list[IndexCache] = [self.process.cache]

    @initialize(uploads=st.lists(numbers, min_size=3, max_size=8, unique=True), compacted=st.booleans())
    def fill(self, uploads: list[int], *, compacted: bool) -> None:
        for number in uploads:
            self._do(partial(do.upload, number), alone=True)
        if compacted:
            self._do(do.compact, alone=True)

    @rule(act=acts)
    def happens(self, act: Act) -> None:
        self._do(act, alone=True)

    @rule(act=acts, when=whens)
    def dies(self, act: Act, when: tuple[int, bool]) -> None:
        """The process dies at a call of a store; what it did until then stays."""
        self.act_disturbed(act, when, die)

    @rule(act=acts, other=acts, when=whens)
    def is_interfered_with(self, act: Act, other: Act, when: tuple[int, bool]) -> None:
        """Another process does all of its own between two steps of this one."""
        self.act_disturbed(act, when, lambda: other(self.world.plain, False))

    @rule()
    def environment_starts(self) -> None:
        self.environments = [*self.environments[-3:], self.process.cache]

    @rule(which=st.integers(0, 3), other=acts, when=early)
    def event_changes_while_it_is_searched(self, which: int, other: Act, when: tuple[int, bool]) -> None:
        """What that search itself finds may be either; the next one's must be right."""
        self._disturb(when, lambda: other(self.world.plain, False))
        self._step(lambda: self._environment(which).current(self.world.event))

    @rule(which=st.integers(0, 3), when=early)
    def environment_dies_while_it_searches(self, which: int, when: tuple[int, bool]) -> None:
        self._disturb(when, die)
        self._step(lambda: self._environment(which).current(self.world.event))

    @rule(which=st.integers(0, 3), view=views, seed=st.integers(0, 99), minimum=st.floats(-1, 1))
    def search(self, which: int, view: int, seed: int, minimum: float) -> None:
        self.world.check(self._environment(which), probe_near(view, seed), minimum)

    @rule(which=st.integers(0, 3), view=views, seed=st.integers(0, 99), rank=st.integers(0, 9), above=st.booleans())
    def search_at_a_score(self, which: int, view: int, seed: int, rank: int, *, above: bool) -> None:
        """The threshold is as near to the score of a face that is there as float64 lets one tell."""
        probe = probe_near(view, seed)
        scores = sorted((cosine(row, probe) for _, row in self.world.stored()), reverse=True)
        if scores:
            score = scores[rank % len(scores)]
            self.world.check(self._environment(which), probe, score + (TINY if above else -TINY))

    def teardown(self) -> None:
        """In the end all environments agree, the one that has slept longest and a new one."""
        for environment in [*self.environments, self.process.cache]:
            for minimum in (-1.0, 0.36, 0.5):
                self.world.check(environment, probe_near(0, 0), minimum)

    def act_disturbed(self, act: Act, when: tuple[int, bool], happens: Callable[[], None]) -> None:
        """The process acts, and something happens at one of its calls."""
        self._disturb(when, happens)
        self._do(act, alone=False)

    def _environment(self, which: int) -> IndexCache:
        return self.environments[which % len(self.environments)]

    def _disturb(self, when: tuple[int, bool], happens: Callable[[], None]) -> None:
        at, after = when
        self.world.fuse.set(at, after=after, happens=happens)

    def _do(self, act: Act, *, alone: bool) -> None:
        self._step(lambda: act(self.process, alone))

    def _step(self, work: Callable[[], object]) -> None:
        self.world.begin()
        with suppress(CrashError):
            work()
        self.world.fuse.left = None
        self.world.end()


def probe_near(view: int, seed: int) -> NDArray[np.float64]:
    """A selfie of somebody who is on some photos."""
    probe = LOOKS[MODELS[0]][view] + 0.05 * np.random.default_rng(seed).normal(size=128)
    found: NDArray[np.float64] = probe / np.linalg.norm(probe)
    return found


TestExactness = DisturbedEvent.TestCase
TestExactness.settings = settings(
    max_examples=examples(60),
    stateful_step_count=40,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.mark.parametrize("deletion", [partial(do.delete_photos, (3, 7)), partial(do.delete_person, 3, True)])
def test_what_is_deleted_while_a_reindexing_writes_its_snapshot_is_not_in_it(deletion: Act) -> None:
    """Searches would not find it either way, but a snapshot outlives the tombstone that keeps them from it."""
    at = 0
    while True:
        event, deleted = DisturbedEvent(), False

        def delete(event: DisturbedEvent = event) -> None:
            nonlocal deleted
            deleted = True
            deletion(event.world.plain, False)

        event.fill([3, 5, 6, 7], compacted=True)
        at += 1
        event.act_disturbed(partial(do.reindex, MODELS[1], True), (at, False), delete)
        event.teardown()
        if not deleted:
            break
    assert at > 20


@pytest.fixture(autouse=True, scope="module")
def no_overlap() -> Iterator[None]:
    """Readers look again at the last 30 s, which here is everything. Without it their watermarks must be right."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("facesearch.faces.index.event.OVERLAP_MICROSECONDS", 0)
        patch.setattr("facesearch.photos.rebuild.OVERLAP_MICROSECONDS", 0)
        yield
