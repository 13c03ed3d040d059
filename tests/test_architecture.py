from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_packages_import_only_what_they_may() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


@pytest.mark.parametrize(
    ("module", "never"),
    [
        ("proskill", {"torch", "numpy", "gradio", "lightning"}),
        ("proskill.annotation", {"torch", "gradio", "fastapi", "lightning", "alembic"}),
        ("proskill.app", {"torch", "gradio", "fastapi"}),
        ("proskill.cli.main", {"torch", "numpy", "gradio", "lightning"}),
        ("proskill.data", {"torch", "lightning", "gradio"}),
        ("proskill.models", {"lightning", "gradio", "pandas"}),
        ("proskill.scoring", {"lightning", "gradio", "pandas"}),
    ],
)
def test_importing_a_package_leaves_these_unloaded(module: str, never: set[str]) -> None:
    code = f"import sys, {module}; print(' '.join({never!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "\n"), done.stderr


def test_loading_a_scorer_imports_neither_timm_nor_the_compiler_of_torch() -> None:
    slow = {"timm", "torchvision", "lightning", "peft", "transformers", "sklearn", "pandas"}
    slow |= {"torch._dynamo", "sympy", "scipy.optimize", "scipy.stats", "cv2", "matplotlib"}
    code = f"import sys, proskill; proskill.load({str(ROOT / 'checkpoints/demo')!r})"
    code += f"; print(' '.join({slow!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "\n"), done.stderr


def test_no_test_folder_is_a_package() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))
