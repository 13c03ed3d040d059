"""What pyproject.toml cannot say: every package under `proskill/` is shipped, and `app/` as `proskill.app`."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["proskill", "proskill.*"]), "proskill.app"],
    package_dir={"proskill.app": "app"},
)
