"""An export of Apple Health streams into readings; overlapping devices count once; nothing unsafe is read."""

import zipfile
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gutbrain.errors import InputError
from gutbrain.study.schema import conform
from gutbrain.study.signals import apple_stream
from gutbrain.study.signals.read_apple_health import read_apple_health, sniff

DOCTYPE = """<!DOCTYPE HealthData [
<!-- HealthKit Export Version: 14 -->
<!ELEMENT HealthData (ExportDate,Me,(Record|Correlation)*)>
<!ATTLIST HealthData locale CDATA #REQUIRED>
]>
"""
SLEEP, STEPS = "HKCategoryTypeIdentifierSleepAnalysis", "HKQuantityTypeIdentifierStepCount"
MINDFUL, SDNN = "HKCategoryTypeIdentifierMindfulSession", "HKQuantityTypeIdentifierHeartRateVariabilitySDNN"
RESTING = "HKQuantityTypeIdentifierRestingHeartRate"


def record(kind, begin, end, value="", source="Watch", unit="", zone="+0100", inside=""):
    unit = f' unit="{unit}"' if unit else ""
    value = f' value="{value}"' if value != "" else ""
    head = f'<Record type="{kind}" sourceName="{source}"{unit} startDate="{begin} {zone}" endDate="{end} {zone}"{value}'
    return f"{head}>{inside}</Record>\n" if inside else f"{head}/>\n"


def export(folder, *records, doctype=DOCTYPE, name="export.xml"):
    inside = "".join(records)
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n{doctype}<HealthData locale="en_US">\n{inside}</HealthData>\n'
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def rows(part, quantity, *columns):
    table = conform("readings", part.tables["readings"])
    return table.filter(quantity=quantity).select(columns or ("value", "unit")).rows()


def sleep(begin, end, stage, source="Watch", **more):
    days = [f"2024-03-{12 if text > '12' else 13} {text}:00" for text in (begin, end)]
    return record(SLEEP, *days, f"HKCategoryValueSleepAnalysis{stage}", source, **more)


def test_single_values(tmp_path):
    at = ("2024-03-13 08:00:00", "2024-03-13 08:01:00")
    path = export(tmp_path, record(SDNN, *at, 42.5, unit="ms"), record(RESTING, *at, 55, unit="count/min"),
                  record("HKQuantityTypeIdentifierRespiratoryRate", *at, 14.5, unit="count/min"),
                  record("HKQuantityTypeIdentifierHeartRate", *at, 80, unit="count/min"))  # fmt: skip
    part = read_apple_health(path)
    assert rows(part, "heart.sdnn", "value", "unit", "time", "until", "person", "origin") == [
        (42.5, "ms", datetime(2024, 3, 13, 8), datetime(2024, 3, 13, 8, 1), "export", "measured")
    ]
    assert rows(part, "heart.sdnn", "method") == [("Apple Health SDNN of about a minute, Watch",)]
    assert rows(part, "heart.rate_resting") == [(55, "1/min")]
    assert rows(part, "respiration.rate") == [(14.5, "1/min")]
    assert part.tables["readings"].height == 3
    assert part.findings == ()


def test_a_night_of_three_sources_counts_once(tmp_path):
    path = export(
        tmp_path,
        sleep("22:00", "07:00", "InBed", "Phone"), sleep("22:30", "06:45", "Asleep", "App"),
        sleep("23:00", "01:00", "AsleepCore"), sleep("01:00", "02:00", "AsleepDeep"), sleep("02:00", "02:15", "Awake"),
        sleep("02:15", "06:00", "AsleepREM"), sleep("23:00", "01:00", "AsleepCore"),
    )  # fmt: skip
    part = read_apple_health(path)
    assert rows(part, "sleep.duration", "value", "time", "until") == [
        (6.75, datetime(2024, 3, 12, 23), datetime(2024, 3, 13, 6))
    ]
    assert rows(part, "sleep.in_bed") == [(9, "hour")]
    assert rows(part, "sleep.efficiency") == [(75, "percent")]
    assert rows(part, "sleep.duration", "method") == [("Apple Health sleep analysis (stages), Watch",)]
    assert "the one with stages" in str(part.findings[-1])
    app = read_apple_health(path, sources=["App"])
    assert rows(app, "sleep.duration", "value") == [(8.25,)]
    assert "lying awake" in rows(app, "sleep.efficiency", "note")[0][0]


def test_naps_and_sleep_across_a_change_of_clocks(tmp_path):
    nap = record(SLEEP, "2024-03-13 14:00:00", "2024-03-13 14:30:00", "HKCategoryValueSleepAnalysisAsleepUnspecified")
    spring = record(SLEEP, "2024-03-30 23:00:00", "2024-03-31 07:00:00", "HKCategoryValueSleepAnalysisAsleepCore")
    spring = spring.replace('07:00:00 +0100"', '07:00:00 +0200"')
    part = read_apple_health(export(tmp_path, sleep("23:00", "06:00", "AsleepCore"), nap, spring))
    assert rows(part, "sleep.nap") == [(0.5, "hour")]
    assert rows(part, "sleep.duration", "value", "until") == [
        (7, datetime(2024, 3, 13, 6)), (7, datetime(2024, 3, 31, 7)),
    ]  # fmt: skip
    assert "+1 h, +2 h from UTC" in str(part.findings)


def test_steps_of_two_devices(tmp_path):
    def steps(begin, end, value, source):
        return record(STEPS, f"2024-03-{begin}:00", f"2024-03-{end}:00", value, source, "count")

    path = export(
        tmp_path,
        steps("13 08:00", "13 08:10", 900, "Watch"), steps("13 08:00", "13 08:10", 700, "Phone"),
        steps("13 12:00", "13 12:10", 500, "Phone"), steps("13 12:00", "13 12:10", 500, "Phone"),
        steps("13 20:10", "13 20:20", 300, "Watch"), steps("13 23:50", "14 00:10", 200, "Watch"),
        steps("14 00:00", "14 23:00", 5000, "App"),
    )  # fmt: skip
    part = read_apple_health(path)
    assert rows(part, "activity.steps", "value", "time", "until") == [
        (1800, datetime(2024, 3, 13), datetime(2024, 3, 14)), (5000, datetime(2024, 3, 14), datetime(2024, 3, 15)),
    ]  # fmt: skip
    assert "steps of App, Phone, Watch" in str(part.findings)
    assert "stands twice" in str(part.findings)
    assert rows(read_apple_health(path, sources="Phone"), "activity.steps", "value") == [(1200,)]


def test_mindful_minutes(tmp_path):
    path = export(
        tmp_path,
        record(MINDFUL, "2024-03-13 07:00:00", "2024-03-13 07:10:00"),
        record(MINDFUL, "2024-03-13 07:05:00", "2024-03-13 07:12:00", source="App"),
        record(MINDFUL, "2024-03-13 21:00:00", "2024-03-13 21:03:00", zone="-0500"),
    )
    part = read_apple_health(path, person="P1")
    assert rows(part, "practice.minutes", "value", "unit", "time", "method", "person") == [
        (12, "minute", datetime(2024, 3, 13, 7), "Apple Health mindful session", "P1"),
        (3, "minute", datetime(2024, 3, 13, 21), "Apple Health mindful session", "P1"),
    ]


@pytest.mark.parametrize("form", ["{0}:{1:02d}:{2:05.2f}", "{0}:{1:02d}:{2:05.2f} AM", "{0}:{1:02d}:{2:05.2f} a.m."])
def test_beats(tmp_path, form):
    seconds = [0.5, 1.3, 2.12, 2.91, 10.91, 11.7]
    inside = "".join(f'<InstantaneousBeatsPerMinute bpm="75" time="{form.format(8, 0, s)}"/>' for s in seconds)
    inside = f"<HeartRateVariabilityMetadataList>{inside}</HeartRateVariabilityMetadataList>".replace(".12", ",12")
    one = record(SDNN, "2024-03-13 08:00:00", "2024-03-13 08:01:00", 40, unit="ms", inside=inside)
    part = read_apple_health(export(tmp_path, one, one.replace('value="40"', 'value="41"')))
    beats = conform("beats", part.tables["beats"])
    assert beats["recording"].unique(maintain_order=True).to_list() == ["SDNN 2024-03-13T08:00:00",
                                                                        "SDNN 2024-03-13T08:00:00 (2)"]  # fmt: skip
    assert beats["at"].head(6).to_list() == pytest.approx(seconds)
    assert beats["rr"].head(6).to_list() == pytest.approx([800, 800, 820, 790, 800, 790])
    assert beats["time"][1] == datetime(2024, 3, 13, 8, 0, 1, 300_000)
    assert "beats" not in read_apple_health(tmp_path / "export.xml", beats=False).tables


def test_what_is_odd_is_counted(tmp_path):
    good = record(RESTING, "2024-03-13 08:00:00", "2024-03-13 08:00:00", 55, unit="count/min")
    odd = [good.replace('"55"', '"x"'), good.replace('"55"', '"nan"'), good.replace("count/min", "furlong"),
           good.replace("2024-03-13 08", "2024-13-13 08"), good.replace('endDate="2024', 'endDate="2023'),
           sleep("22:00", "23:00", "Floating")]  # fmt: skip
    part = read_apple_health(export(tmp_path, good, *odd))
    assert part.tables["readings"].height == 1
    told = " ".join(map(str, part.findings))
    for words in ("2 records left out: a value", "in 'furlong'", "a time that", "an end before", "a stage"):
        assert words in told


def test_zip_in_another_language_and_a_broken_document_type(tmp_path):
    broken = DOCTYPE.replace("]>", "<!ATTLIST RightEye sphere CDATA\n]>")
    xml = export(tmp_path, sleep("23:00", "06:00", "AsleepCore"), doctype=broken)
    with zipfile.ZipFile(tmp_path / "Exportieren.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("apple_health_export/export_cda.xml", "<ClinicalDocument/>" * 1000)
        archive.write(xml, "apple_health_export/Exportieren.xml")
    part = read_apple_health(tmp_path / "Exportieren.zip")
    assert rows(part, "sleep.duration") == [(7, "hour")]
    assert part.tables["readings"]["person"][0] == "Exportieren"
    assert sniff(tmp_path / "Exportieren.zip") == sniff(xml) == "Apple Health export"


BOMB = '<!DOCTYPE HealthData [\n<!ENTITY a "ha">\n<!ENTITY b "&a;&a;&a;&a;">\n]>\n'
NIGHT = sleep("23:00", "06:00", "AsleepCore")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty"),
        ("<gpx></gpx>", "no export of Apple Health"),
        (f"{BOMB}<HealthData>&b;</HealthData>", "declares entities"),
        (f"{BOMB}<HealthData>&b;</HealthData>".encode("utf-16"), "declares entities"),
        ('<!DOCTYPE HealthData [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]><HealthData/>', "declares entities"),
        (f"<HealthData>\n{NIGHT}<Record type='x", "row 3: the XML is broken or breaks off"),
        (f"<HealthData>\n{NIGHT}", "breaks off"),
        (f"<HealthData>\n{NIGHT}&undefined;</HealthData>", "undefined entity"),
        ("<HealthData><Record type='HKQuantityTypeIdentifierHeartRate'/></HealthData>", "none of its 1 records"),
        (f"<HealthData>{NIGHT}</HealthData>\x00", "broken"),
    ],
)
def test_broken_files(tmp_path, text, told):
    path = tmp_path / "export.xml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=r"export\.xml") as caught:
        read_apple_health(path)
    assert told in str(caught.value)


def test_an_endless_element_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(apple_stream, "TOKEN", 2 * 1024**2)
    path = export(tmp_path, f'<Record type="{"x" * 5 * 1024**2}"/>')
    with pytest.raises(InputError, match="one element has more than"):
        read_apple_health(path)


def test_other_devices_are_named(tmp_path):
    with pytest.raises(InputError, match="of Ring.*It has records of Watch"):
        read_apple_health(export(tmp_path, NIGHT), sources=["Ring"])


def packed(folder, name, text, **more):
    path = folder / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return path


def test_broken_archives(tmp_path):
    with pytest.raises(InputError, match="zip bomb"):
        read_apple_health(packed(tmp_path, "export.xml", "<HealthData>" + " " * 3_000_000))
    with pytest.raises(InputError, match="outside itself"):
        read_apple_health(packed(tmp_path, "../export.xml", "<HealthData/>"))
    with pytest.raises(InputError, match="holds no export"):
        read_apple_health(packed(tmp_path, "a.xml", "<x/>"))
    path = packed(tmp_path, "export.xml", f"<HealthData>{NIGHT * 50}</HealthData>")
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(InputError, match="the archive is broken"):
        read_apple_health(path)
    path.write_bytes(raw[:60] + bytes(30) + raw[90:])
    with pytest.raises(InputError, match="broken"):
        read_apple_health(path)
    with pytest.raises(InputError, match="no such file"):
        read_apple_health(tmp_path / "none.zip")


def test_an_archive_that_lies_about_its_size_stops(tmp_path, monkeypatch):
    monkeypatch.setattr(apple_stream, "LARGEST", 5000)
    monkeypatch.setattr(apple_stream, "HEAD", 1000)
    monkeypatch.setattr(apple_stream, "CHUNK", 1000)
    with pytest.raises(InputError, match="more than 4 GB"):
        read_apple_health(export(tmp_path, NIGHT * 50))


WHOLE = [NIGHT, record(STEPS, "2024-03-13 08:00:00", "2024-03-13 08:10:00", 900, unit="count"),
         record(SDNN, "2024-03-13 08:00:00", "2024-03-13 08:01:00", 40, unit="ms",
                inside='<InstantaneousBeatsPerMinute bpm="75" time="8:00:01.00 AM"/>')]  # fmt: skip


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mangled_files_give_a_part_or_an_input_error(tmp_path, data):
    path = export(tmp_path, *WHOLE)
    raw = path.read_bytes()
    if data.draw(st.booleans()):
        path = packed(tmp_path, "export.xml", raw)
        raw = path.read_bytes()
    at = data.draw(st.integers(0, len(raw)))
    with_what = data.draw(st.binary(max_size=6) | st.text("0123456789<>&\"'-: ", max_size=6).map(str.encode))
    path.write_bytes(raw[:at] + with_what + raw[at + data.draw(st.integers(0, 6)) :])
    sniff(path)
    try:
        part = read_apple_health(path)
    except InputError as error:
        assert "export" in str(error)
    else:
        conform("readings", part.tables["readings"])
