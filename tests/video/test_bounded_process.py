"""A program that is run bounded takes no more than it is given and leaves nothing running."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from proskill.video.bounded_process import ProcessLimits, run_bounded
from waiting import wait_until

LIMITS = ProcessLimits(seconds=20, memory_bytes=1 << 30, file_bytes=1 << 20)


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_lines_of_both_streams_arrive_whole_and_the_status_is_told(tmp_path: Path) -> None:
    output: list[str] = []
    messages: list[str] = []
    code = "import sys; print('a\\nb'); sys.stderr.buffer.write(b'c\\n\\xff'); sys.exit(3)"
    status = run_bounded(
        python(code), folder=tmp_path, limits=LIMITS,
        on_output=output.append, on_message=messages.append,
    )  # fmt: skip
    assert (status, output, messages) == (3, ["a", "b"], ["c", "\ufffd"])


def test_it_runs_in_its_folder_without_environment_or_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "x")
    output: list[str] = []
    code = "import os, sys; print(os.getcwd(), 'SECRET' in os.environ, sys.stdin.read() == '')"
    run_bounded(python(code), folder=tmp_path, limits=LIMITS, on_output=output.append)
    assert output == [f"{tmp_path} False True"]


def test_too_much_memory_is_not_given(tmp_path: Path) -> None:
    code = "x = bytearray(3 << 30)"
    assert run_bounded(python(code), folder=tmp_path, limits=LIMITS) == 1


def test_a_file_beyond_its_size_is_not_written(tmp_path: Path) -> None:
    code = "open('big', 'wb').write(bytes(3 << 20))"
    assert run_bounded(python(code), folder=tmp_path, limits=LIMITS) != 0
    assert (tmp_path / "big").stat().st_size <= LIMITS.file_bytes


@pytest.mark.parametrize("code", ["while True: pass", "import time; time.sleep(60)"])
def test_what_hangs_is_ended_when_its_time_is_over(tmp_path: Path, code: str) -> None:
    begin = time.monotonic()
    limits = ProcessLimits(seconds=0.5, memory_bytes=1 << 30, file_bytes=0)
    assert run_bounded(python(code), folder=tmp_path, limits=limits) is None
    assert time.monotonic() - begin < 20


def test_processor_time_is_bounded_by_the_system_too(tmp_path: Path) -> None:
    output: list[str] = []
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_CPU))"
    run_bounded(python(code), folder=tmp_path, limits=LIMITS, on_output=output.append)
    assert output == ["(81, 81)"]


def test_an_exception_here_ends_the_program_and_its_children(tmp_path: Path) -> None:
    pids: list[int] = []
    code = "import os, time; child = os.fork(); print(os.getpid(), flush=True); time.sleep(60)"

    def stop() -> None:
        if len(pids) == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        run_bounded(
            python(code), folder=tmp_path, limits=LIMITS,
            on_output=lambda line: pids.append(int(line)), on_tick=stop,
        )  # fmt: skip
    wait_until(lambda: not any(map(is_running, pids)), seconds=5)


def test_no_file_of_ours_stays_open_in_it(tmp_path: Path) -> None:
    output: list[str] = []
    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)
        code = "import os; print(sorted(os.listdir('/proc/self/fd'), key=int)[:-1])"
        run_bounded(python(code), folder=tmp_path, limits=LIMITS, on_output=output.append)
    assert output == ["['0', '1', '2']"]


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    output: list[str] = []
    code = "import sys\nfor _ in range(40): sys.stdout.write('x' * 100_000)"
    assert run_bounded(python(code), folder=tmp_path, limits=LIMITS, on_output=output.append) == 0
    assert [len(line) <= 1 << 20 for line in output] == [True]
