"""Real baselines: the table that installs with scikit-bio, and the split that is drawn on top."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gutbrain.errors import InputError
from gutbrain.people import atlas as module
from gutbrain.people.atlas import draw_baselines, draw_split, read_atlas
from gutbrain.people.counts import group_shares, read_counts
from gutbrain.people.taxa import GROUPS

SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="module")
def atlas():
    try:
        return read_atlas()
    except InputError as missing:
        pytest.skip(f"the 300-person table needs scikit-bio: {missing}")


def test_three_hundred_people_with_age_region_and_bmi(atlas):
    assert atlas.persons.columns == ["sample", "age", "region", "bmi"]
    assert (atlas.persons.height, len(atlas.counts.taxa)) == (300, 21)
    assert tuple(atlas.persons["sample"]) == atlas.counts.samples
    assert atlas.persons["age"].min() == 18 and atlas.persons["age"].max() == 77
    assert set(atlas.persons["bmi"]) == {"lean", "overweight", "obese"}
    assert atlas.counts.whole


def test_baselines_are_shares_of_known_people(atlas):
    drawn = draw_baselines(300, seed=4, atlas=atlas)
    assert drawn.shares.shape == (300, 9) and drawn.groups == GROUPS
    assert np.allclose(drawn.shares.sum(1), 1, atol=1e-12) and (drawn.shares >= 0).all()
    assert drawn.note == "class level, split assumed"
    assert drawn.persons["sample"].n_unique() == 300


def test_draws_repeat_by_seed_and_go_on_with_replacement(atlas):
    first, again, other = (draw_baselines(40, seed, atlas) for seed in (1, 1, 2))
    assert np.array_equal(first.shares, again.shares) and not np.array_equal(first.shares, other.shares)
    many = draw_baselines(450, 1, atlas)
    assert many.persons["sample"][:300].n_unique() == 300 and many.persons["sample"].n_unique() == 300
    assert first.persons["sample"].to_list() == many.persons["sample"][:40].to_list()
    with pytest.raises(InputError, match="at least 1"):
        draw_baselines(0, 1, atlas)


def test_unsplit_classes_are_taken_as_they_are(atlas):
    drawn = draw_baselines(300, 9, atlas)
    expected = group_shares(atlas.counts)
    order = [expected.samples.index(name) for name in drawn.persons["sample"]]
    for group in ("bacteroidetes", "akkermansia"):
        k = GROUPS.index(group)
        assert np.allclose(drawn.shares[:, k], expected.array()[order, k], atol=1e-12)


@pytest.mark.parametrize("name", sorted(module._splits()))
def test_a_drawn_split_has_the_moments_of_its_class(name):
    _, mean, sd = module._splits()[name]
    split = draw_split(mean, sd, 40_000, np.random.default_rng(0))
    assert np.allclose(split.sum(1), 1) and (split >= 0).all()
    assert np.allclose(split.mean(0), mean, atol=0.005)
    # The largest part takes the rest: in cluster XIVa its spread is 0.087 instead of 0.097.
    assert np.allclose(split.std(0), sd, atol=0.012)
    most = np.argmax(mean)
    assert np.allclose(np.delete(split.std(0), most), np.delete(sd, most), atol=0.003)


def test_a_split_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="standard deviation"):
        draw_split(np.array([0.1, 0.9]), np.array([0.5, 0.5]), 10, np.random.default_rng(0))


def test_mean_split_against_the_genus_level_truth(atlas):
    """Known from the notes on the table: 1.00, .72, .60, 1.00, .75, 1.00, .99, .52, .90."""
    path = SHARED / "atlas1006" / "atlas1006_counts.tsv"
    if not path.exists():
        pytest.skip("atlas1006 needs ../shared")
    truth, split = group_shares(read_counts(path)), group_shares(atlas.counts)
    assert split.platform == "hitchip classes" and "class level, split assumed" in split.notes
    rows = [truth.samples.index(name) for name in split.samples]
    found = [np.corrcoef(truth.array()[rows, k], split.array()[:, k])[0, 1] for k in range(9)]
    assert found == pytest.approx([1.00, 0.72, 0.60, 1.00, 0.75, 1.00, 0.99, 0.52, 0.90], abs=0.05)


def test_a_missing_scikit_bio_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"not installed. Install scikit-bio 0.7.4"):
        read_atlas()

    class Old:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr(module, "find_spec", lambda name: Old)
    with pytest.raises(InputError, match=r"does not hold .* Install scikit-bio 0.7.4"):
        read_atlas()


def test_neither_scikit_bio_nor_jax_is_imported():
    code = "import sys, gutbrain.people.atlas as a, gutbrain.study.exchange; a.atlas_folder.__doc__; "
    code += "print([m for m in ('skbio', 'jax') if m in sys.modules])"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
