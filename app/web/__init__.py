"""The web code that both servers share; begin with `security.py`.

`security.py` is the layer between the network and the routes: headers, origin, sizes, rates,
cookies, refusals. `static_files.py` serves scripts and styles, those in `static/` on both pages.
"""
