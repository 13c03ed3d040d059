"""What is done with finished runs: pages, comparisons, submission files.

Joins the numbers of `proskill.training` with the look of `proskill.scoring`; only `cli` and `demo`
know this room.
"""
