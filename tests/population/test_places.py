"""Chunks lived elsewhere: refusals in words, and the same bits from a cluster that loses a worker."""

from __future__ import annotations

import os
import re
import time
from functools import partial
from pathlib import Path

import crowd
import pytest
from small_tasks import fragile, square

from gutbrain.errors import InputError
from gutbrain.population import places
from gutbrain.population.job import run_population
from gutbrain.population.places import refuse_other, spread
from gutbrain.run.blocks import WIDE, WIDTHS, width
from gutbrain.run.threads import allowed, at_most, cores

distributed = pytest.importorskip("distributed")


def test_this_process_answers_every_task_with_one_thread_each():
    answers = list(spread(square, range(7)))
    assert sorted((answer.task, answer.given[0]) for answer in answers) == [(n, n**2) for n in range(7)]
    threads = {answer.task: answer.given[1] for answer in answers}
    assert threads.pop(0) == allowed()
    if cores() > 1:
        assert set(threads.values()) == {1}


def test_a_task_that_fails_ends_the_others():
    if cores() < 2:
        pytest.skip("one core works on one task at a time")
    begin = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        list(spread(partial(fail_at, 2), range(6)))
    assert time.monotonic() - begin < 5


def test_who_stops_listening_ends_the_work():
    if cores() < 2:
        pytest.skip("one core works on one task at a time")
    answers = spread(partial(fail_at, 0.5), range(6))
    begin = time.monotonic()
    assert next(answers).given == 0
    answers.close()
    assert time.monotonic() - begin < 5


def fail_at(which, task, told):
    if task == which:
        raise ZeroDivisionError
    if task > which:
        for _ in range(2000):
            time.sleep(0.005)
            told(0, 1)  # ends once another task has failed
        pytest.fail("the task was not stopped")
    return task


@pytest.mark.parametrize("on", ["local", "local:-1", "dask://", "cluster:3", "dask://host", "local:2;rm"])
def test_no_place(on):
    with pytest.raises(InputError, match=r"is no place to run\. Give local:2 \(processes on this machine\)"):
        list(spread(square, [1], on))


def test_a_cluster_that_does_not_answer(monkeypatch):
    monkeypatch.setattr(places, "ANSWERS_WITHIN", 1.0)
    begin = time.monotonic()
    with pytest.raises(InputError, match=r"no cluster answers there within 1 s\. Start one \(dask scheduler"):
        list(spread(square, [1], "dask://127.0.0.1:9"))
    assert time.monotonic() - begin < 5


def test_a_worker_of_another_version_is_refused():
    refuse_other("tcp://there:1", "1-aa", "1-aa")
    with pytest.raises(
        InputError, match=r"worker tcp://there:1 runs another gutbrain: 1-aa there, 1-bb here\. Install"
    ):
        refuse_other("tcp://there:1", "1-aa", "1-bb")
    with pytest.raises(InputError, match=r"cannot run gutbrain \(ModuleNotFoundError: No module named 'gutbrain'"):
        refuse_other("tcp://there:1", ModuleNotFoundError("No module named 'gutbrain'"), "1-bb")


def test_threads_follow_the_nearest_limit(monkeypatch):
    monkeypatch.setenv("GUTBRAIN_THREADS", "3")
    assert allowed() == 3
    with at_most(1):
        assert allowed() == 1
        with at_most(None):
            assert allowed() == 3
    monkeypatch.setenv("GUTBRAIN_THREADS", "many")
    with pytest.raises(InputError, match="GUTBRAIN_THREADS='many' is no number of threads"):
        allowed()


def test_processes_answer_every_task_though_one_dies(tmp_path):
    lines: list[str] = []
    answers = list(spread(partial(fragile, tmp_path / "died"), range(6), "local:2", lines.append))
    assert (tmp_path / "died").exists()
    assert sorted((answer.task, *answer.given) for answer in answers) == [(n, n**2, 1) for n in range(6)]
    assert re.fullmatch(r"local:2: dashboard at http://127.0.0.1:\d+/status", lines[0])


def test_an_answer_that_died_with_its_worker_is_made_again():
    """The work is done and told, but not yet fetched, when both workers that hold it are killed."""
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0",
        silence_logs=50,
    )  # fmt: skip
    with cluster, distributed.Client(cluster, set_as_default=False) as client:
        answers = places._cluster(square, range(4), client)
        got = [next(answers)]
        while any(state.status != "finished" for state in client.futures.values()):
            time.sleep(0.01)
        for pid in client.run(os.getpid).values():
            os.kill(pid, 9)
        while any(state.status == "finished" for state in client.futures.values()):
            time.sleep(0.01)
        got += answers
    assert sorted((answer.task, answer.given[0]) for answer in got) == [(n, n**2) for n in range(4)]


def test_chunks_that_a_cluster_gives_up():
    cluster = distributed.LocalCluster(n_workers=1, processes=False, dashboard_address="127.0.0.1:0", silence_logs=50)
    with cluster, distributed.Client(cluster, set_as_default=False) as client:
        answers = places._cluster(square, range(4), client)
        next(answers)
        client.cancel([distributed.Future(key, client) for key in client.futures], force=True)
        with pytest.raises(InputError, match=r"the cluster gave a chunk up\. Look at its scheduler\. Run the same"):
            list(answers)


@pytest.mark.calibration
def test_a_cluster_gives_the_same_bits_and_outlives_a_worker(tmp_path):
    """Two workers, one of them killed by its number in the middle: its chunk is lived again."""
    from crowd_worker import Know

    crowd.know()
    with crowd.no_page():
        run_population(crowd.plan(), tmp_path / "here", columns=crowd.COLUMNS, say=str)
    cluster = distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=50,
    )
    with crowd.no_page(), cluster, distributed.Client(cluster) as client:
        client.register_plugin(Know())
        pids = list(client.run(os.getpid).values())
        killed = []

        def progress(what, done, total):
            if what == "living" and done == 1 and not killed:
                killed.append(pids[0])
                os.kill(pids[0], 9)

        lines: list[str] = []
        run_population(
            crowd.plan(), tmp_path / "there", on=cluster.scheduler_address.replace("tcp", "dask"), progress=progress,
            columns=crowd.COLUMNS, say=lines.append,
        )  # fmt: skip
        assert killed and pids[0] not in client.run(os.getpid).values()
        assert "2 workers" in lines[1]
    assert bits(tmp_path / "here") == bits(tmp_path / "there")


def bits(folder: Path) -> dict[str, bytes]:
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.parquet")}
    assert len(found) == 4 + 4 * 5
    return found


def test_an_accelerator_takes_wider_blocks(monkeypatch):
    assert width(2048) == WIDTHS[-1]
    monkeypatch.setattr("jax.default_backend", lambda: "gpu")
    assert width(2048) == WIDE and width(300) == 400
    assert places.check_place("gpu") == "gpu"
