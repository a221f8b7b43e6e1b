import pytest

from kernelsmith.messages import OK, Kernel, Reply, write_reply
from kernelsmith.wire import Reader, WireError, Writer


def test_reads_what_it_wrote() -> None:
    writer = Writer()
    writer.number(7, "B")
    writer.text("grün")
    writer.list([1, -2], lambda item: writer.number(item, "q"))
    reader = Reader(writer.take())
    assert reader.number("B") == 7
    assert reader.text() == "grün"
    assert reader.list(lambda: reader.number("q")) == [1, -2]


def test_refuses_bytes_that_end_early() -> None:
    writer = Writer()
    writer.text("some text")
    for cut in range(len(writer.take())):
        with pytest.raises(WireError):
            Reader(writer.take()[:cut]).text()


def test_writes_a_reply_as_the_program_reads_it() -> None:
    kernel = Kernel("k", b"\x7fELF", "ptx", 16, 128, 5, [2])
    reader = Reader(write_reply(Reply(OK, kernels=[kernel])))
    assert reader.number("B") == OK
    assert [reader.number("i"), reader.number("i"), reader.text(), reader.text()] == [0, 0, "", ""]
    assert reader.number("I") == 1
    assert [reader.text(), reader.text(), reader.text()] == ["k", "\x7fELF", "ptx"]
    assert [reader.number("q"), reader.number("i"), reader.number("i")] == [16, 128, 5]
    assert reader.list(lambda: reader.number("I")) == [2]
