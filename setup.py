"""What pyproject.toml cannot say: which folders are shipped under another name.

Every package under `proskill/` is shipped, `app/` as `proskill.app`, and the demo checkpoint, where
it is there, as the folder in which `proskill.scoring` looks for it.
"""

from pathlib import Path

from setuptools import find_packages, setup

renamed = {"proskill.app": "app"}
renamed |= {f"proskill.app.{name}": f"app/{name}" for name in find_packages("app")}
if Path("checkpoints/demo/config.json").is_file():
    renamed["proskill._checkpoints.demo"] = "checkpoints/demo"

setup(
    packages=[*find_packages(include=["proskill", "proskill.*"]), *renamed],
    package_dir=renamed,
)
