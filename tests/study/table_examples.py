"""Small tables written and read, for the tests of tables."""

import pytest

from gutbrain.errors import InputError
from gutbrain.study.mapped.mapping import FileMap
from gutbrain.study.mapped.read_table import read_table


def read(folder, text, columns, name="x.csv", **more):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path, FileMap(path=name, columns=columns, **more))


def refused(folder, text, columns, *words, **more):
    with pytest.raises(InputError) as error:
        read(folder, text, columns, **more)
    for word in words:
        assert word in str(error.value)


def column(part, table, name):
    return part.tables[table][name].to_list()
