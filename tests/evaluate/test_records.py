"""`measured.json`."""

import json
import threading

import pytest

from multiweight.errors import StoreError
from multiweight.evaluate import read_records, write_record

RECORD = {"dataset": "A", "split": "val", "preset": "0" * 12, "precision": "fp32", "device": "cpu", "metrics": {"x": 1}}


def test_are_kept_by_entry_and_replaced_where_they_measure_the_same(tmp_path):
    path = tmp_path / "new" / "measured.json"
    write_record(path, "b.B", RECORD)
    write_record(path, "a.A", RECORD)
    for change in ({"split": "test"}, {"preset": "1" * 12}, {"device": "cuda"}, {"precision": "bf16"}):
        write_record(path, "b.B", RECORD | change)
    write_record(path, "b.B", RECORD | {"metrics": {"x": 2}})
    records = read_records(path)
    assert list(records) == ["a.A", "b.B"]
    assert len(records["b.B"]) == 5
    assert records["b.B"][-1]["metrics"] == {"x": 2}
    assert records["a.A"] == [RECORD]
    assert path.read_text().endswith("}\n")


def test_of_several_writers_are_all_there(tmp_path):
    path = tmp_path / "measured.json"
    writers = [threading.Thread(target=write_record, args=(path, f"e.{number}", RECORD)) for number in range(16)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(read_records(path)) == sorted(f"e.{number}" for number in range(16))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": {}}', '{"a": [1]}', "\x00"])
def test_a_file_of_something_else_is_left_alone(tmp_path, text):
    path = tmp_path / "measured.json"
    path.write_text(text)
    with pytest.raises(StoreError, match="is not a file of records"):
        write_record(path, "a.A", RECORD)
    assert path.read_text() == text


def test_what_cannot_be_written_is_an_error_and_leaves_the_old_one(tmp_path):
    path = tmp_path / "measured.json"
    write_record(path, "a.A", RECORD)
    with pytest.raises(ValueError, match="JSON"):
        write_record(path, "a.A", RECORD | {"metrics": {"x": float("nan")}})
    assert json.loads(path.read_text()) == {"a.A": [RECORD]}
    with pytest.raises(StoreError, match="cannot be written"):
        write_record(tmp_path / "measured.json" / "below.json", "a.A", RECORD)
