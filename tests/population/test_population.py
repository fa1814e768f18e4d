"""A population in chunks: the same people and the same numbers as at once, whatever interrupts it."""

from __future__ import annotations

import errno
import json
from types import SimpleNamespace

import crowd
import duckdb
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from gutbrain.cli import main
from gutbrain.errors import InputError
from gutbrain.population import job, store
from gutbrain.population.division import Division
from gutbrain.population.drawn import Source, drawn
from gutbrain.population.job import Unfinished, is_population, run_population
from gutbrain.population.live import live, outcomes_of
from gutbrain.run.result import Result
from gutbrain.run.settle import settle
from gutbrain.run.simulate import simulate
from gutbrain.show.effects import effects

TABLES = ("weeks", "effects", "kept", "lost")


@pytest.fixture(autouse=True, scope="module")
def known():
    before = dict(crowd.AXES)
    crowd.know()
    yield
    crowd.AXES.clear()
    crowd.AXES.update(before)


def run(out, **options):
    lines: list[str] = []
    options = {"plan": crowd.plan(), "columns": crowd.COLUMNS, "say": lines.append} | options
    with crowd.no_page():
        run_population(options.pop("plan"), out, **options)
    return lines


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing interrupted: four chunks, the last one cut."""
    out = tmp_path_factory.mktemp("population") / "whole"
    run_population(crowd.plan(), out, columns=crowd.COLUMNS, say=str)
    return out


def tables(folder) -> dict[str, bytes]:
    names = [folder / f"{name}.parquet" for name in TABLES]
    return {str(p.relative_to(folder)): p.read_bytes() for p in [*names, *sorted(folder.glob("chunks/*/*.parquet"))]}


def interrupted(out, after=2, **options):
    def progress(what, done, total):
        if what == "living" and done == after:
            raise KeyboardInterrupt

    with pytest.raises(Unfinished) as stop:
        run(out, progress=progress, **options)
    return str(stop.value)


def source(plan=None, columns=crowd.COLUMNS) -> Source:
    plan = plan or crowd.plan()
    return Source.read(plan, Division.of(plan, columns))


# -- the same people, the same numbers -----------------------------------------------------------


@pytest.mark.parametrize("twins", [False, True])
def test_effects_are_those_of_the_readings_themselves(tmp_path, twins):
    plan = crowd.plan(twins=twins)
    run(tmp_path / "run", plan=plan, columns=10_000)
    cohort, trial, _ = drawn(source(plan, 10_000), 0)
    settled = settle(cohort, step_minutes=60, levers=("protocol.push",), labels=outcomes_of(plan))
    result = simulate(cohort.axis, settled, trial, step_minutes=60, labels=outcomes_of(plan))
    assert (~result.kept).sum() > 3, "the trial must lose somebody"
    expected = effects(result, outcomes_of(plan), plan.visits, "rest")
    assert_frame_equal(pl.read_parquet(tmp_path / "run" / "effects.parquet"), expected, rel_tol=1e-6)
    week = pl.read_parquet(tmp_path / "run" / "weeks.parquet").filter(
        pl.col("arm") == "push", pl.col("week") == 1, pl.col("signal") == "mind.negative_affect"
    )
    here = (result.arm == 1) & (result.present[13] > 0.5) & ((result.lost_day < 0) | (result.lost_day > 13))
    readings = result.mean[7:14, 0].astype(float).mean(axis=0)
    by_world = [readings[here & (result.world == world)].mean() for world in range(3)]
    assert week["n"][0] == here.sum()
    assert week["mean"][0] == pytest.approx(np.median(by_world), rel=1e-6)
    assert week["q50"][0] == pytest.approx(np.quantile(readings[here], 0.5, method="lower"), rel=0.0051)
    assert week["lowest"][0] == pytest.approx(readings[here].min(), rel=1e-6)


def test_chunks_add_up_to_all_people(whole):
    assert sorted(p.name for p in (whole / "chunks").iterdir()) == [f"chunk={n:05d}" for n in range(4)]
    weeks = pl.read_parquet(whole / "chunks" / "**" / "weeks.parquet", hive_partitioning=True)
    assert weeks["chunk"].n_unique() == 4
    first = weeks.filter(pl.col("week") == 0, pl.col("signal") == "mind.strain", pl.col("arm") == "rest")
    by_world = first.group_by("world").agg((pl.col("mean") * pl.col("n")).sum() / pl.col("n").sum(), pl.col("n").sum())
    merged = pl.read_parquet(whole / "weeks.parquet").filter(
        pl.col("week") == 0, pl.col("signal") == "mind.strain", pl.col("arm") == "rest"
    )
    assert merged["n"][0] == by_world["n"].sum()
    assert merged["mean"][0] == pytest.approx(by_world["mean"].median(), abs=1e-12)
    visits = pl.read_parquet(whole / "chunks" / "**" / "visits.parquet", hive_partitioning=True).filter(
        pl.col("visit") == 0, pl.col("world") == 0, pl.col("signal") == "mind.strain"
    )
    assert visits.group_by("arm").agg(pl.col("assigned").sum())["assigned"].to_list() == [50, 50]


def test_a_person_is_the_same_whoever_else_takes_part():
    few, many = source(), source(crowd.plan(per_arm=64))
    assert few.division.size == many.division.size == 32
    assert live(few, 0).files == live(many, 0).files
    cut, full = drawn(few, 3)[0], drawn(many, 3)[0]
    assert cut.people == 4 and cut.names == full.names[:4] == tuple(f"person {n}" for n in range(97, 101))
    for name, values in cut.parameters.items():
        other = full.parameters[name]
        if values.shape[-1] > 1:
            other = other.reshape(*other.shape[:-1], 3, 32)[..., :4].reshape(*other.shape[:-1], 12)
        assert crowd.alike(values, other), name
    assert drawn(few, 3)[1].assigned == drawn(many, 3)[1].assigned[:4]


def test_chunks_hold_other_people_in_the_same_worlds():
    one, other = (drawn(source(), chunk)[0].parameters for chunk in (0, 1))
    assert not np.allclose(one["crowd.level"], other["crowd.level"])
    frail = source(crowd.plan(fixed={"crowd.level": 20.0}))
    centres = [drawn(frail, chunk)[0].parameters["crowd.weight"].reshape(3, 32).mean(axis=1) for chunk in (0, 1)]
    assert centres[0] == pytest.approx(centres[1], abs=0.8)
    assert np.ptp(centres[0]) > 1.0, "worlds must differ for the line above to say something"


# -- stopped and gone on with --------------------------------------------------------------------


def test_a_run_that_was_interrupted_goes_on_to_the_same_result(tmp_path, whole):
    said = interrupted(tmp_path / "run")
    assert "2 of 4 chunks are done" in said and "same line again" in said
    assert (tmp_path / "run" / "unfinished.json").exists() and not (tmp_path / "run" / "manifest.json").exists()
    lines = run(tmp_path / "run")
    assert "2 of 4 chunks are done, going on" in lines[0]
    assert tables(tmp_path / "run") == tables(whole)
    assert not (tmp_path / "run" / "unfinished.json").exists()


def test_a_spoilt_chunk_is_named_and_lived_again(tmp_path, whole):
    interrupted(tmp_path / "run", after=3)
    one, other = sorted((tmp_path / "run" / "chunks").iterdir())[:2]
    content = bytearray((one / "weeks.parquet").read_bytes())
    content[len(content) // 2] ^= 1
    (one / "weeks.parquet").write_bytes(bytes(content))
    (other / "done.json").write_text("{")
    lines = run(tmp_path / "run")
    assert lines[0].startswith(f"run again: chunks/{one.name}: weeks.parquet is not what was written")
    assert f"{other.name}: done.json cannot be read" in lines[1]
    assert tables(tmp_path / "run") == tables(whole)


def test_a_full_disk_keeps_what_is_done(tmp_path, whole, monkeypatch):
    real = store.write_whole

    def full(path, content):
        if path.parent.name == ".chunk-00002" and path.name == "sketch.parquet":
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(store, "write_whole", full)
        with pytest.raises(InputError, match=r"no space is left on the disk; \d of 4 chunks are done and stay"):
            run(tmp_path / "run")
    assert not (tmp_path / "run" / "chunks" / "chunk=00002").exists()
    run(tmp_path / "run")
    assert tables(tmp_path / "run") == tables(whole)
    assert not list((tmp_path / "run").glob(".*"))


def test_another_run_does_not_go_on_there(tmp_path, whole, monkeypatch):
    out = tmp_path / "run"
    interrupted(out)
    before = tables_of_chunks(out)
    with pytest.raises(InputError, match=r"another plan: people.per_arm is 50 there and 60 here. To start anew"):
        run(out, plan=crowd.plan(per_arm=60))
    with pytest.raises(InputError, match=r"other files: the posterior, the counts table or --keep"):
        run(out, keep=3)
    with monkeypatch.context() as patch:
        patch.setattr(job, "fingerprint", lambda: "9.9.9-feed")
        with pytest.raises(InputError, match=r"begun by another gutbrain \(.*-[0-9a-f]{16}; this is 9.9.9-feed\)"):
            run(out)
    assert tables_of_chunks(out) == before
    run(out, force=True, plan=crowd.plan(per_arm=20))
    assert json.loads((out / "manifest.json").read_text())["people"] == 40
    with pytest.raises(InputError, match="exists already"):
        run(out)


def tables_of_chunks(folder):
    return {path: path.read_bytes() for path in sorted(folder.glob("chunks/*/*"))}


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="is not a run folder"):
        run(tmp_path, force=True)
    assert (tmp_path / "thesis.txt").exists()


def test_two_runs_do_not_write_into_one_folder(tmp_path):
    pytest.importorskip("fcntl")
    interrupted(tmp_path / "run")
    with store._lock(tmp_path / "run"), pytest.raises(InputError, match="another run is writing into this folder"):
        run(tmp_path / "run")


# -- what is left --------------------------------------------------------------------------------


def test_the_page_says_what_it_must(whole, certainties):
    page = (whole / "report.html").read_text(encoding="utf-8")
    assert len(certainties(page)) >= 6
    for words in ("Week by week", "Some of the people", "Lost by the model", "SELECT * FROM", "in 4 chunks of 32"):
        assert words in page


def test_the_people_who_are_kept_are_spread_over_all(whole):
    kept = pl.read_parquet(whole / "kept.parquet")
    assert kept["number"].unique().to_list() == [int((n + 0.5) * 100 / 12) + 1 for n in range(12)]
    assert kept.height == 12 * 17 * 2


def test_the_manifest_counts(whole):
    manifest = json.loads((whole / "manifest.json").read_text())
    assert {key: manifest[key] for key in ("people", "columns", "chunks", "people_in_chunk", "engine")} == {
        "people": 100, "columns": 300, "chunks": 4, "people_in_chunk": 32, "engine": "fixed"
    }  # fmt: skip
    lost = pl.read_parquet(whole / "lost.parquet")
    assert manifest["lost"] == lost.height > 0
    assert lost["state"].unique().to_list() == ["mind.strain"]


def test_duckdb_reads_the_chunks_as_one_table(whole):
    query = f"SELECT sum(count) FROM read_parquet('{whole}/chunks/*/sketch.parquet', hive_partitioning = true)"
    counted = duckdb.sql(query).fetchall()
    weeks = duckdb.sql(f"SELECT sum(n) FROM '{whole}/weeks.parquet'").fetchall()
    assert counted == weeks


def test_lives_that_were_run_again_are_counted_and_named():
    cohort, _, _ = drawn(source(), 0)
    kept = np.arange(96) != 40
    error, finer = np.where(kept, 1e-5, np.inf), np.where(np.isin(np.arange(96), [5, 40]), 4, 1)
    world, person = np.repeat(np.arange(3), 32), np.tile(np.arange(32), 3)
    result = SimpleNamespace(
        cohort=cohort, kept=kept, error=error, runs=finer, world=world, person=person, engine="lanes"
    )
    assert Result.checked(result) == {
        "engine": "lanes", "largest_error": 1e-5, "run_again": 2,
        "named_again": ["person 6, world 0", "person 9, world 1"],
    }  # fmt: skip


# -- what is asked for ---------------------------------------------------------------------------


def test_many_lives_are_a_population():
    assert not is_population(crowd.plan(per_arm=1000))
    assert is_population(crowd.plan(per_arm=2000))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--people", "0"], "--people must be at least 1, not 0"),
        (["--people", "5", "--keep", "3"], "--keep is for a streamed run. Leave it out, or give --stream"),
        (["--stream", "--keep", "-1"], "--keep must be 0 or more, not -1"),
        (["--on", "local:0"], "--on 'local:0' is no place to run. Give local:2"),
        (["--on", "gpu"], "--on gpu: JAX sees no accelerator on this machine"),
    ],
)
def test_bad_requests(tmp_path, capsys, given, said):
    plan = tmp_path / "plan.toml"
    plan.write_text(crowd.PLAN)
    assert main(["run", str(plan), "--out", str(tmp_path / "run"), *given]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
