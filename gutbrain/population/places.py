"""Where chunks are lived: in this process, in several of them, or on a cluster of Dask."""

from __future__ import annotations

import re
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from queue import Empty, Queue
from typing import Any

from gutbrain.errors import InputError
from gutbrain.population.fingerprint import fingerprint
from gutbrain.run.threads import allowed, at_most

ANSWERS_WITHIN = 8.0  # seconds for a cluster to answer
GIVEN_WITHIN = 20.0  # seconds for an answer to arrive, after which the cluster is looked at
ALONE_FOR = 60.0  # seconds without any worker, after which a run stops
AHEAD = 2  # chunks a core that wait at the cluster
BOARD = 8787  # port of the dashboard
Told = Callable[[int, int], None]
Work = Callable[[int, Told | None], Any]


@dataclass(frozen=True)
class Answer:
    """What a task gave, and the processor time it took, in seconds."""

    task: int
    given: Any
    seconds: float


class Stopped(Exception):
    """A task was ended because the run is."""


def spread(
    work: Work, tasks: Sequence[int], on: str = "", say: Callable[[str], None] = print
) -> Generator[Answer, None, None]:
    """Do the work for every task and yield the answers as they come.

    Parameters
    ----------
    work : function of (task, told) that can be pickled; `told` is called with (done, all) and may end the work
    tasks : numbers
    on : nothing for this process, `local:N` for N processes, `dask://HOST:PORT` for a cluster, `gpu`
    say : called with a line about the place

    Raises
    ------
    InputError
        If there is no such place, it does not answer, or a worker is of another version.
    """
    kind = check_place(on)
    if not tasks:
        return
    if kind in ("here", "gpu"):
        yield from _here(work, tasks, 1 if kind == "gpu" else allowed())
        return
    with ExitStack() as open_until_end:
        yield from _cluster(work, tasks, _client(on, open_until_end, say))


def check_place(on: str) -> str:
    """Return the kind of a place: here, local, dask or gpu.

    Raises
    ------
    InputError
        If it is none, or lacks what it needs.
    """
    if on in ("", "here"):
        return "here"
    if on == "gpu":
        _require_accelerator()
        return "gpu"
    if re.fullmatch(r"local:[1-9]\d{0,3}", on):
        kind = "local"
    elif re.fullmatch(r"(dask|tcp|tls)://[^\s/:]+:\d{1,5}", on):
        kind = "dask"
    else:
        mend = "Give local:2 (processes on this machine), dask://HOST:8786 (a cluster) or gpu"
        raise InputError(f"--on {on!r} is no place to run", mend=mend)
    import distributed  # noqa: F401  the command line names the extra that brings it

    return kind


def _require_accelerator() -> None:
    import jax

    if jax.default_backend() == "cpu":
        raise InputError(
            "--on gpu: JAX sees no accelerator on this machine, only its processor",
            mend="Install JAX for the accelerator (such as pip install 'jax[cuda12]'), or leave --on out",
        )


def _here(work: Work, tasks: Sequence[int], at_once: int) -> Iterator[Answer]:
    """Work in threads of this process: arrays release the interpreter, so a task a core keeps all cores busy."""
    stop = threading.Event()

    def told(_: int, __: int) -> None:
        if stop.is_set():
            raise Stopped

    def one(task: int, threads: int | None, shared: int) -> Answer:
        before = time.process_time()
        with at_most(threads):
            given = work(task, told)
        return Answer(task, given, (time.process_time() - before) / shared)

    # The first alone: it compiles what all others use.
    yield one(tasks[0], None, 1)
    if len(tasks) == 1 or at_once == 1:
        for task in tasks[1:]:
            yield one(task, None, 1)
        return
    waiting = iter(tasks[1:])
    shared = min(at_once, len(tasks) - 1)
    with ThreadPoolExecutor(shared) as pool:
        try:
            running: set[Future[Answer]] = set()
            for _, task in zip(range(shared), waiting, strict=False):
                running.add(pool.submit(one, task, 1, shared))
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for _, task in zip(range(len(done)), waiting, strict=False):
                    running.add(pool.submit(one, task, 1, shared))
                for future in done:
                    yield future.result()
        except BaseException:  # the consumer stopped as well: GeneratorExit comes here
            stop.set()
            raise


def _client(on: str, until: ExitStack, say: Callable[[str], None]) -> Any:
    """Connect to a cluster, or start one on this machine; both end with the run."""
    from distributed import Client, LocalCluster

    if on.startswith("local:"):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "(?s).*Port .* is already in use")  # it takes another and says which
            cluster = until.enter_context(
                LocalCluster(
                    n_workers=int(on.partition(":")[2]), threads_per_worker=1, processes=True, host="127.0.0.1",
                    dashboard_address=f"127.0.0.1:{BOARD}", silence_logs=50,
                )
            )  # fmt: skip
        client = until.enter_context(Client(cluster, timeout=ANSWERS_WITHIN, set_as_default=False))
        bokeh = find_spec("bokeh") is not None
        say(f"{on}: dashboard at {client.dashboard_link}" if bokeh else f"{on}: no dashboard, bokeh is not installed")
        return client
    address = on.replace("dask://", "tcp://")
    within = f"within {ANSWERS_WITHIN:.0f} s"
    mend = f"Start one (dask scheduler, dask worker {address}), or leave --on out"
    try:
        client = until.enter_context(Client(address, timeout=ANSWERS_WITHIN, set_as_default=False))
    except (OSError, ValueError) as error:
        raise InputError(f"--on {on}: no cluster answers there {within}", mend=mend) from error
    try:
        client.wait_for_workers(1, timeout=ANSWERS_WITHIN)
    except TimeoutError as error:
        raise InputError(f"--on {on}: the cluster has no worker {within}", mend=mend) from error
    workers = client.scheduler_info(n_workers=-1)["workers"]
    say(f"{on}: {len(workers)} workers, dashboard at {client.dashboard_link}")
    return client


def _cluster(work: Work, tasks: Sequence[int], client: Any) -> Iterator[Answer]:
    """Keep a bounded number of tasks at a cluster; a killed worker's task is given to another."""
    expected = fingerprint()
    for worker, found in client.run(fingerprint, on_error="return").items():
        refuse_other(worker, found, expected)
    arrived: Queue[Any] = Queue()
    waiting, running = iter(tasks), 0
    alone_since: float | None = None

    def submit() -> int:
        for task in waiting:
            future = client.submit(on_worker, work, task, expected, pure=False, key=f"chunk-{task}-{id(arrived)}")
            future.add_done_callback(arrived.put)
            held[future.key] = future
            return 1
        return 0

    held: dict[str, Any] = {}
    cores = sum(client.nthreads().values()) or 1
    for _ in range(AHEAD * cores):
        running += submit()
    while running:
        try:
            future = arrived.get(timeout=2.0)
        except Empty:
            alone_since = _still_alive(client, alone_since)
            continue
        alone_since = None
        running += submit() - 1
        del held[future.key]
        yield _answer(future, client)


def _answer(future: Any, client: Any) -> Answer:
    """Return what a task gave. Where its worker died with it, another does the task again, which is waited for."""
    from distributed.client import FutureCancelledError
    from distributed.scheduler import KilledWorker

    alone_since: float | None = None
    while True:
        try:
            given: Answer = future.result(timeout=GIVEN_WITHIN)
            return given
        except KilledWorker as error:
            what = f"{future.key.rpartition('-')[0]} ended {error.allowed_failures + 1} workers one after another"
            raise InputError(what, mend="They may lack memory: look at their logs") from error
        except FutureCancelledError as error:
            mend = "Look at its scheduler. Run the same line again to go on"
            raise InputError("the cluster gave a chunk up", mend=mend) from error
        except TimeoutError:
            if future.status == "error":  # the work's own
                raise
            alone_since = _still_alive(client, alone_since)


def _still_alive(client: Any, alone_since: float | None) -> float | None:
    """Return since when there is no worker; refuse to wait for ever."""
    gone = client.status != "running"
    if not gone and client.nthreads():
        return None
    since = time.monotonic() if alone_since is None else alone_since
    if time.monotonic() - since > ALONE_FOR:
        what = "the cluster no longer answers" if gone else f"the cluster has had no worker for {ALONE_FOR:.0f} s"
        raise InputError(what, mend="What is done stays. Run the same line again to go on")
    return since


def on_worker(work: Work, task: int, expected: str) -> Answer:
    """Do one task on a worker, with one thread, if it is of the version that asks."""
    from distributed import get_worker

    refuse_other(get_worker().address, fingerprint(), expected)
    before = time.process_time()
    with at_most(1):
        given = work(task, None)
    return Answer(task, given, time.process_time() - before)


def refuse_other(worker: str, found: Any, expected: str) -> None:
    """Refuse a worker that would give other bits.

    Raises
    ------
    InputError
        Naming the worker and both fingerprints.
    """
    if found == expected:
        return
    mend = "Install the same gutbrain, JAX and NumPy there"
    if isinstance(found, BaseException):
        raise InputError(f"worker {worker} cannot run gutbrain ({type(found).__name__}: {found})", mend=mend)
    raise InputError(f"worker {worker} runs another gutbrain: {found} there, {expected} here", mend=mend)
