from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BACKBONE = ("config.json", "model.safetensors", "README.md")
CHECKPOINTS = {"demo": (*BACKBONE, "calibration.json"), "timesformer-motion": BACKBONE}
SHIPPED = {".py", ".typed", ".html", ".j2", ".css", ".js"}


def _run(*command: object, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy, so that no build folder is left in the repository."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("proskill", "app"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "configs", source / "configs")
    for folder, names in CHECKPOINTS.items():
        (source / "checkpoints" / folder).mkdir(parents=True)
        for name in names:
            (source / "checkpoints" / folder / name).write_bytes(b"{}")
    _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", ".", cwd=source)
    [path] = (source / "dist").glob("*.whl")
    return path


@pytest.fixture(scope="module")
def clean_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment with the wheel; dependencies are lent by the running one."""
    folder = tmp_path_factory.mktemp("clean")
    _run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    python = folder / "venv/bin/python"
    install = ("install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index")
    _run(sys.executable, "-m", "pip", "--python", python, *install, wheel, cwd=folder)
    [site] = (folder / "venv").glob("lib/python*/site-packages")
    # A path in a .pth file lends packages; the .pth files in it, the editable install, stay unread.
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def test_the_wheel_holds_every_module_and_page_and_nothing_else(wheel: Path) -> None:
    expected = {
        f"{package}/{file.relative_to(ROOT / folder).as_posix()}"
        for folder, package in (("proskill", "proskill"), ("app", "proskill/app"))
        for file in (ROOT / folder).rglob("*")
        if file.suffix in SHIPPED and file.is_file()
    }
    expected |= {
        f"proskill/_checkpoints/{folder}/{name}"
        for folder, names in CHECKPOINTS.items()
        for name in names
    }
    expected |= {f"proskill/_configs/{path.name}" for path in (ROOT / "configs").glob("*.yaml")}
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == expected


def test_the_wheel_carries_licence_and_metadata(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [metadata] = [name for name in archive.namelist() if name.endswith("/METADATA")]
        text = archive.read(metadata).decode()
        assert any(name.endswith("/licenses/LICENSE") for name in archive.namelist())
    assert "License-Expression: Apache-2.0" in text
    assert "Requires-Python: >=3.11" in text
    for extra in ("app", "annotate", "dev"):
        assert f"Provides-Extra: {extra}\n" in text


def test_the_installed_package_is_the_wheels(clean_python: Path, tmp_path: Path) -> None:
    code = "import proskill, proskill.app; print(proskill.__file__); print(proskill.app.__file__)"
    for line in _run(clean_python, "-c", code, cwd=tmp_path).split():
        assert Path(line).is_relative_to(clean_python.parents[1])


def test_the_installed_command_works_outside_the_repository(
    clean_python: Path, tmp_path: Path
) -> None:
    command = clean_python.with_name("proskill")
    assert _run(command, "--version", cwd=tmp_path).startswith("proskill ")
    report = json.loads(_run(command, "doctor", "--json", cwd=tmp_path))
    assert report["is_healthy"], report
    out = _run(
        command, "simulate", tmp_path / "data", "--participants", 1, "--takes-per-participant", 1,
        "--views", "ego", cwd=tmp_path,
    )  # fmt: skip
    assert Path(out.strip()).is_file()


def test_the_installed_package_finds_its_configs_and_checkpoints(
    clean_python: Path, tmp_path: Path
) -> None:
    code = (
        "import proskill; from proskill.shipped_files import find_checkpoint;"
        "print(*proskill.list_models(), find_checkpoint('demo'), "
        "find_checkpoint('timesformer-motion'))"
    )
    *names, demo, motion = _run(clean_python, "-c", code, cwd=tmp_path).split()
    assert names == sorted(path.stem for path in (ROOT / "configs").glob("*.yaml"))
    assert Path(demo).is_relative_to(clean_python.parents[1])
    assert Path(motion).is_relative_to(clean_python.parents[1])
