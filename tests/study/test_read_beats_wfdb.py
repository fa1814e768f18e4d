"""Annotated beats become intervals between normal beats; time and heart rate become intervals too."""

import datetime

import numpy as np
import pytest
import wfdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gutbrain.errors import InputError
from gutbrain.study.schema import conform
from gutbrain.study.signals.read_beats_wfdb import read_beats, read_beats_wfdb, read_heart_rate, sniff

RATE = 250
SAMPLES = np.cumsum([100, 200, 205, 195, 120, 280, 200, 202])
SYMBOLS = ["N", "N", "N", "N", "V", "N", "N", "N"]


def record(folder, samples=SAMPLES, symbols=SYMBOLS, header=True, fs=None):
    wfdb.wrann("a", "atr", np.asarray(samples), symbols, fs=fs, write_dir=str(folder))
    if header:
        signal = np.zeros((10, 1))
        wfdb.wrsamp("a", fs=RATE, units=["mV"], sig_name=["ecg"], p_signal=signal, fmt=["16"], write_dir=str(folder),
                    base_time=datetime.time(8, 30), base_date=datetime.date(2024, 3, 13))  # fmt: skip
    return folder / "a.atr"


def test_only_normal_to_normal(tmp_path):
    part = read_beats_wfdb(record(tmp_path))
    beats = conform("beats", part.tables["beats"])
    assert beats["rr"].to_list() == [800, 820, 780, 800, 808]
    assert beats["at"].to_list() == pytest.approx(SAMPLES[[1, 2, 3, 6, 7]] / RATE)
    assert beats["time"][0] == datetime.datetime(2024, 3, 13, 8, 30, 1, 200_000)
    assert beats.select("person", "recording").row(0) == ("a", "a")
    assert "1 of 8 beats are not normal (V 1): 2 intervals were left out" in str(part.findings[0])
    assert sniff(tmp_path / "a.atr") == "WFDB annotation"
    assert read_beats(tmp_path / "a.atr", normal="NV").tables["beats"].height == 7


def test_marks_that_are_no_beats(tmp_path):
    part = read_beats_wfdb(record(tmp_path, [10, 100, 150, 300], ["+", "N", "~", "N"], False, 100), person="P")
    assert part.tables["beats"]["rr"].to_list() == [2000]
    assert "no beats were passed over: ~" in str(part.findings)
    assert sniff(tmp_path / "a.atr") is None


def test_sampling_rate_must_be_known(tmp_path):
    path = record(tmp_path, header=False)
    with pytest.raises(InputError, match="sampling rate is not known.*sampling_rate"):
        read_beats_wfdb(path)
    assert read_beats_wfdb(path, sampling_rate=500).tables["beats"]["rr"][0] == 400


def heart_rate(folder, text=None):
    rr = np.array([0.8, 0.82, 0.79, 0.81, 0.8])
    lines = [f"{t:.4f} {60 / r:.4f}" for t, r in zip(np.cumsum(rr), rr, strict=True)]
    path = folder / "C1med"
    path.write_text("\n".join(lines) + "\n" if text is None else text)
    return path


def test_time_and_heart_rate(tmp_path):
    path = heart_rate(tmp_path)
    part = read_heart_rate(path)
    assert part.tables["beats"]["rr"].to_list() == pytest.approx([800, 820, 790, 810, 800], abs=0.01)
    assert part.tables["beats"]["at"][-1] == pytest.approx(4.02)
    assert sniff(path) == part.reader
    assert read_beats(path).tables["beats"].equals(part.tables["beats"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1.0 75\n1.8\n", "row 2: is not two numbers"),
        ("1.0 75\n1.8 800\n", "row 2: a heart rate of 800"),
        ("1.0 75\n0.8 75\n", "row 2: time does not go on"),
        ("1 75\n6 76\n11 74\n", "no single beats"),
        ("", "the file is empty"),
    ],
)
def test_broken_heart_rate(tmp_path, text, told):
    with pytest.raises(InputError) as caught:
        read_heart_rate(heart_rate(tmp_path, text))
    assert told in str(caught.value)


def test_broken_annotations(tmp_path):
    with pytest.raises(InputError, match="no two beats marked 'N'"):
        read_beats_wfdb(record(tmp_path, [1, 2, 3], ["V", "N", "V"]))
    with pytest.raises(InputError, match="fewer than two beats"):
        read_beats_wfdb(record(tmp_path, [5], ["N"]))
    (tmp_path / "a.hea").write_text("nonsense header\n")
    with pytest.raises(InputError, match=r"a\.(hea|atr)"):
        read_beats_wfdb(tmp_path / "a.atr")
    for name, told in (("b.atr", "no such file"), ("c.atr", "empty"), (".", "folder")):
        if name == "c.atr":
            (tmp_path / name).touch()
        with pytest.raises(InputError, match=told):
            read_beats_wfdb(tmp_path / name)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(max_size=40), at=st.integers(0, 30), whole=st.booleans())
def test_mangled_files_give_a_part_or_an_input_error(tmp_path, noise, at, whole):
    raw = record(tmp_path).read_bytes()
    (tmp_path / "a.atr").write_bytes(noise if whole else raw[:at] + noise + raw[at + 2 :])
    sniff(tmp_path / "a.atr")
    try:
        part = read_beats(tmp_path / "a.atr")
    except InputError as error:
        assert "a.atr" in str(error)
    else:
        conform("beats", part.tables["beats"])
