"""Both web servers, installed as `proskill.app`: `coach` (Gradio), `annotate` (FastAPI), `web`.

Nothing here decides anything about skill; pages call the public names of `proskill.scoring`,
`proskill.athletes` and `proskill.annotation`. Importing the package loads no web framework, so
that it works where the extras `app` and `annotate` are not installed.
"""
