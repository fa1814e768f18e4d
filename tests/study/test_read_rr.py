"""Lists of heartbeat intervals from recorders and apps are read alike; what cannot be told is asked."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gutbrain.errors import InputError
from gutbrain.observe.beats import read_beats
from gutbrain.study.part import Part
from gutbrain.study.schema import conform
from gutbrain.study.signals.read_rr import read_rr, sniff

SHARED = Path(__file__).parents[3] / "shared" / "data"
RR = [812, 798, 805, 821, 840, 833, 815, 802, 796, 810, 825, 838]
LIST = "\n".join(map(str, RR)) + "\n"


def shared(*parts: str) -> Path:
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{path.name} needs ../shared")
    return path


def read(folder: Path, text: str | bytes, name: str = "anna.txt", **options) -> Part:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    part = read_rr(path, **options)
    conform("beats", part.tables["beats"])
    return part


def intervals(part: Part) -> list[float]:
    return part.tables["beats"]["rr"].to_list()


def words(part: Part) -> str:
    return " | ".join(map(str, part.findings))


def columns(*rows: object, mark: str = ",") -> str:
    return "\n".join(mark.join(map(str, row)) for row in rows) + "\n"


def test_slow_breathing_reads_by_declared_columns():
    path = shared("slow-breathing-rr", "spb_rct_raidl2024_rr.csv")
    part = read_rr(path, rr="rr", unit="ms", time="sumtime", person_column="id", recording_columns=["phase"])
    beats = part.tables["beats"]
    assert beats.height == 39_700
    assert beats["person"].n_unique() == 22
    assert beats.select("person", "recording").unique().height == 44
    assert beats.filter(rr=beats["rr"].max())["person"].to_list() == ["11"]
    assert (beats["rr"] > 1500).sum() == 7
    assert part.findings == ()


@pytest.mark.parametrize(("number", "beats", "mean", "rmssd"), [(1, 409, 730.9, 102.9), (2, 778, 784.5, 70.3)])
def test_airflow_recordings(number, beats, mean, rmssd):
    part = read_rr(shared("rr-with-airflow", f"physio_resp_ecg_rr_{number}.csv"), rr="rr_ms", time="t_s")
    rr = part.tables["beats"]["rr"].to_numpy()
    assert rr.size == beats
    assert rr.mean() == pytest.approx(mean, abs=0.05)
    assert np.sqrt(np.mean(np.diff(rr) ** 2)) == pytest.approx(rmssd, abs=0.05)
    assert read_beats(rr, part.tables["beats"]["at"]).holes == 0


def test_a_plain_list(tmp_path):
    part = read(tmp_path, LIST)
    assert intervals(part) == RR
    assert part.tables["beats"]["at"][-1] == pytest.approx(sum(RR) / 1000)
    assert part.tables["beats"].select("person", "recording").unique().rows() == [("anna", "anna")]
    assert part.findings == ()
    named = read(tmp_path, "RR (ms)\r\n" + LIST.replace("\n", "\r\n"), person="A", recording="rest")
    assert named.tables["beats"].select("person", "recording").unique().rows() == [("A", "rest")]


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbf" + LIST.encode(),
        LIST.encode("utf-16"),
        " ".join(map(str, RR)).encode(),
        ", ".join(map(str, RR)).encode(),
        ("# Subject: Anna\n# Start time: 2024-03-13 10:00:00\n" + LIST).encode(),
        LIST.replace("\n", ",0\n").encode(),
        LIST.replace("\n", ".0\n").encode(),
        ("[Params]\nVersion=106\nInterval=238\nDate=20240313\nStartTime=10:00:00.0\n[HRData]\n" + LIST).encode(),
        ("[HEADER]\nSTARTTIME=13.03.2024 10:00.00\n[CUSTOM1]\n" + LIST).encode(),
    ],
    ids=["BOM", "UTF-16", "one line", "one line with commas", "metadata", "comma", "point", "HRM", "SDF"],
)
def test_ways_to_write_the_same_list(tmp_path, text):
    assert intervals(read(tmp_path, text)) == RR


def test_start_and_subject_of_a_header(tmp_path):
    part = read(tmp_path, "# Subject: Berta\n# Start time: 2024-03-13 10:00:00\n" + LIST)
    assert part.tables["beats"]["time"][0] == datetime(2024, 3, 13, 10, 0, 0, 812_000)
    assert part.tables["beats"]["person"][0] == "anna"
    assert "names 'Berta'; the person is called 'anna'" in words(part)
    polar = "[Params]\nInterval=238\nDate=20240313\nStartTime=10:00:00.0\n[HRData]\n" + LIST
    assert read(tmp_path, polar, "x.hrm").tables["beats"]["time"][0] == datetime(2024, 3, 13, 10, 0, 0, 812_000)
    elite = read(tmp_path, LIST, "2017-07-01 08-23-11.txt")
    assert elite.tables["beats"]["time"][0] == datetime(2017, 7, 1, 8, 23, 11, 812_000)


def test_seconds(tmp_path):
    seconds = "".join(f"{rr / 1000}\n" for rr in RR)
    part = read(tmp_path, seconds)
    assert intervals(part) == pytest.approx(RR)
    assert "are seconds; they were converted" in words(part)
    assert read(tmp_path, seconds, unit="s").findings == ()
    comma = read(tmp_path, seconds.replace(".", ","), unit="s")
    assert intervals(comma) == pytest.approx(RR)
    ticks = read(tmp_path, "".join(f"{rr * 1.024}\n" for rr in RR), unit="1/1024 s")
    assert intervals(ticks) == pytest.approx(RR)


def test_polar_sensor_logger(tmp_path):
    at = np.cumsum([0, *RR[1:]]) / 1000
    rows = [(f"2024-03-13T10:00:{5 + t:06.3f}", rr) for t, rr in zip(at, RR, strict=True)]
    part = read(tmp_path, columns(("Phone timestamp", "RR-interval [ms]"), *rows, mark=";"))
    assert intervals(part) == RR
    assert part.tables["beats"]["time"][0] == datetime(2024, 3, 13, 10, 0, 5)
    assert part.tables["beats"]["at"][-1] == pytest.approx(sum(RR) / 1000)


def test_packets_of_beats_and_a_hole(tmp_path):
    text = "timestamp,rr\n"
    for second, line in ((2, "812 798"), (4, "805 821"), (60, "840 833"), (62, "815 802")):
        text += f'2024-03-13 10:{second // 60:02d}:{second % 60:02d},"{line}"\n'
    part = read(tmp_path, text)
    assert intervals(part) == RR[:8]
    assert "1 holes" in words(part)
    beats = read_beats(part.tables["beats"]["rr"], part.tables["beats"]["at"])
    assert beats.holes == 1
    assert part.tables["beats"]["at"][-1] == pytest.approx(61, abs=2)


@pytest.mark.parametrize("row", ["{0};{1};{2}", "{0};{1}|{2}", "{0};[{1}, {2}]", "{0};{1} {2}"])
def test_several_intervals_a_row(tmp_path, row):
    pairs = list(zip(RR[::2], RR[1::2], strict=True))
    lines = [row.format(f"2024-03-13 10:00:{2 * k:02d}", *pair) for k, pair in enumerate(pairs)]
    assert intervals(read(tmp_path, "time;rr\n" + "\n".join(lines))) == RR
    assert intervals(read(tmp_path, "\n".join(lines))) == RR


def test_hrv_logger_gives_begins(tmp_path):
    since = np.cumsum([0, *RR[:-1]])
    rows = [(f"2025-03-15 09:00:{15 + t / 1000:06.3f}", rr, t) for t, rr in zip(since, RR, strict=True)]
    part = read(tmp_path, columns(("date", "rr", "since start"), *rows))
    assert part.tables["beats"]["at"].to_list() == pytest.approx(list(np.cumsum(RR) / 1000))
    assert "times are those at which intervals begin" in words(part)


def test_two_columns_without_names(tmp_path):
    at = np.cumsum(RR)
    assert intervals(read(tmp_path, columns(*zip(at / 1000, RR, strict=True), mark="\t"))) == RR
    assert intervals(read(tmp_path, columns(*zip(at, RR, strict=True)))) == RR
    assert intervals(read(tmp_path, columns(*zip(RR, at, strict=True), mark=" "))) == RR


def test_kubios_report(tmp_path):
    at = np.cumsum(RR) / 1000
    lines = ["Kubios HRV report", "Beat correction: Threshold (low)", "Measurement date: 13.03.2024 10:00:00",
             "RR INTERVAL DATA and SPECTRUM ESTIMATES",
             "SAMPLE 1,,SAMPLE 2,,", "Time,RR interval,Time,RR interval,Frequency", "(s),(s),(s),(s),(Hz)"]  # fmt: skip
    lines += [f"{t},{rr / 1000},{t + 300},{rr / 1000},0.1" for t, rr in zip(at, RR, strict=True)]
    lines += [",,,,0.2"] * 5
    part = read(tmp_path, "\n".join(lines))
    assert part.reader == "RR intervals (Kubios report)"
    assert part.tables["beats"]["recording"].unique(maintain_order=True).to_list() == ["sample 1", "sample 2"]
    assert intervals(part) == pytest.approx(RR + RR)
    assert part.tables["beats"]["at"][len(RR)] == pytest.approx(300 + at[0])
    assert "may be corrected (Threshold (low))" in words(part)


def test_people_and_conditions(tmp_path):
    long = columns(("person", "condition", "rr"), *(("A", "rest", rr) for rr in RR), *(("B", "task", rr) for rr in RR))
    part = read(tmp_path, long)
    assert part.tables["beats"].select("person", "recording").unique(maintain_order=True).rows() == [
        ("A", "rest"), ("B", "task"),
    ]  # fmt: skip
    assert "people were taken from column 'person'" in words(part)
    assert read(tmp_path, long, person_column="person", recording_columns=["condition"]).findings == ()
    wide = columns(("A", "B"), *zip(RR, [*RR[:-1], ""], strict=True))
    part = read(tmp_path, wide, wide="person")
    assert part.tables["beats"].group_by("person", maintain_order=True).len().rows() == [("A", 12), ("B", 11)]


def test_what_is_odd_is_said(tmp_path):
    part = read(tmp_path, LIST.replace("805", "0").replace("821", "NA"))
    assert "1 intervals are of length 0" in words(part) and "1 intervals are empty" in words(part)
    first = read(tmp_path, columns(("RR", "Artifact corrected RR"), *((rr, 800) for rr in RR), mark=";"))
    assert intervals(first) == RR
    assert 'Give rr = "Artifact corrected RR"' in words(first)


ROW = columns(("time", "rr"), *zip(np.cumsum(RR) / 1000, RR, strict=True))
DAY = "2024-03-13 10:00:{:02d};{}\n"
BROKEN = {
    "empty": (b"", {}, "the file is empty"),
    "no text": (b"\x00\x01\x02\xff", {}, "control characters"),
    "words": ("hello\nworld\n", {}, "no line holds numbers"),
    "a word inside": (LIST.replace("840", "abc"), {}, "row 5, column 'rr': 'abc' is no number"),
    "negative": (LIST.replace("840", "-840"), {}, "row 5, column 'rr': -840 is negative"),
    "declared ms": ("".join(f"{rr / 1000}\n" for rr in RR), {"unit": "ms"}, "look like s, not ms"),
    "few seconds": ("0.8\n0.7\n", {}, 'Give unit = "ms", "s"'),
    "header in ms": ("RR [ms]\n0.8\n0.7\n", {}, "look like s, not ms"),
    "heart rate": ("62\n63\n65\n" * 9, {}, "heart rate per minute"),
    "mixed marks": (LIST.replace("840", "840,5").replace("821", "821.5"), {}, "row 5, column 'rr': '840,5' has a"),
    "thousands": ("rr\n1,012\n1,005\n1,100\n", {}, "can be 1.012 or 1012"),
    "two columns": ("5 800\n3 700\n9 750\n", {}, "which of two columns"),
    "empty column": ("time;rr\n1;\n2;\n", {}, "column 'rr': this column is empty"),
    "no such column": (ROW, {"rr": "RRR"}, "column 'RRR'"),
    "unknown columns": ("a;b;c\n1;2;3\n", {}, "no column is known to hold intervals"),
    "time back": (ROW.replace("8.132", "1.0"), {}, "time runs back"),
    "time of another kind": ("time,rr\n0,800\n60,800\n90,800\n", {}, "unit cannot be told"),
    "dates of two orders": ("time;rr\n13/01/2024 10:00;800\n01/14/2024 10:00;800\n", {}, "the day first"),
    "undecided date": ("time;rr\n01/02/2024 10:00;800\n01/02/2024 10:01;800\n", {}, 'dates = "day-first"'),
    "clock back": ("time;rr\n" + DAY.format(30, 800) + DAY.format(10, 800), {}, "the clock runs back by 20 s"),
    "ragged": ("rr,time\n800,0.8,5\n", {}, "this row has 3 fields, the header 2"),
    "HRM of rates": ("[Params]\nInterval=5\n[HRData]\n120\n", {}, "heart rate every 5 s"),
    "Kubios without list": ("RR INTERVAL DATA\nnothing\n", {}, "no columns 'Time' and 'RR interval'"),
    "people unnamed": ("person,rr\n,800\n", {}, "column 'person': a value must stand here"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files(tmp_path, name):
    text, options, told = BROKEN[name]
    with pytest.raises(InputError, match="anna.txt") as caught:
        read(tmp_path, text, **options)
    assert told in str(caught.value)


def test_no_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_rr(tmp_path / "x.txt")
    with pytest.raises(InputError, match="a folder"):
        read_rr(tmp_path)


def test_sniff(tmp_path):
    def told(text: str, name: str = "a.txt") -> str | None:
        (tmp_path / name).write_text(text)
        return sniff(tmp_path / name)

    assert told(LIST * 3) == "RR intervals (list without a header)"
    assert told("Phone timestamp;RR-interval [ms]\n2024-03-13T10:00:00.000;812\n") == "RR intervals (table)"
    assert told("sample,a,b\ns1,1,2\n") is None
    assert told("1\n2\n3\n" * 20) is None
    assert told("", "b.txt") is None
    assert told(LIST * 3, "a.xml") is None


VALID = [LIST, ROW, "time;rr\n" + DAY.format(1, "800 810") + DAY.format(3, 805), BROKEN["Kubios without list"][0],
         "RR INTERVAL DATA\nTime;RR\n(s);(s)\n1,0;0,8\n1,8;0,8\n"]  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mangled_files_give_a_part_or_an_input_error(tmp_path, data):
    text = data.draw(st.sampled_from(VALID)).encode()
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(st.binary(max_size=8)) + text[at + data.draw(st.integers(0, 20)) :]
        insert = data.draw(st.text("0123456789.,;:-/\t\n eE[]\"'TZ", max_size=12)).encode()
        text = text[: len(text) // 2] + insert + text[len(text) // 2 :]
    else:
        text = data.draw(st.binary(max_size=200) | st.text("0123456789.,;:-/\n \"", max_size=200).map(str.encode))
    path = tmp_path / "x.txt"
    path.write_bytes(text)
    sniff(path)
    try:
        part = read_rr(path)
    except InputError as error:
        assert "x.txt" in str(error)
    else:
        conform("beats", part.tables["beats"])


def test_a_heading_without_lines_is_recognised_as_nothing(tmp_path):
    path = tmp_path / "empty.txt"
    path.write_text("RR INTERVAL DATA\n")
    assert sniff(path) is None
    with pytest.raises(InputError):
        read_rr(path)
