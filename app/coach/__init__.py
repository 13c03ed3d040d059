"""The coach's page: `launch.launch_coach` serves it.

`launch` builds the page of a tab each (`score`, `compare`, `history`); `server` holds what they
share, `work` what is done for them, `work_queue` whose turn it is; `guard`, `routes`, `uploads` and
`media` stand between the page and its files. `static` and `templates` are sent to the browser.
"""
