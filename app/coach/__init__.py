"""The coach's page; begin with `launch.py`, which builds and serves it.

`server` is what its parts share, `score`, `compare` and `history` are its tabs, `work` runs in
`work_queue`. `guard`, `routes`, `uploads`, `media` and `login` are between browsers and files; the
security layer under them is `app.web`. Browsers get `static` and `templates`.
"""
