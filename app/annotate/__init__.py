"""The annotators' and the organiser's pages; begin with `server.py`, which builds the application.

`campaign_app` is what its routes share, `annotator_routes` and `organiser_routes` answer the pages
in `static`, `request_bodies` checks what they send and `sessions` who sends it; the security layer
under them is `app.web`. `simulated_annotators` vote over HTTP like people.
"""
