"""Pages that people open: layout and callbacks only. Installed as `proskill.app`.

Nothing here decides anything about skill; pages call the public names of `proskill.scoring`,
`proskill.rating` and `proskill.annotation`. Importing the package loads no web framework, so that
it works where the extras `app` and `annotate` are not installed.
"""
