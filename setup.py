"""Folders that are shipped under another name, which pyproject.toml cannot express.

Every package under `proskill/` is shipped, `app/` as `proskill.app`, and configurations and small
checkpoints in the folders where `proskill.shipped_files` looks for them.
"""

from pathlib import Path

from setuptools import find_packages, setup

renamed = {"proskill.app": "app"}
renamed |= {f"proskill.app.{name}": f"app/{name}" for name in find_packages("app")}
renamed["proskill._configs"] = "configs"
for name in ("demo", "timesformer-motion"):
    if Path("checkpoints", name, "config.json").is_file():
        renamed[f"proskill._checkpoints.{name}"] = f"checkpoints/{name}"

setup(
    packages=[*find_packages(include=["proskill", "proskill.*"]), *renamed],
    package_dir=renamed,
)
