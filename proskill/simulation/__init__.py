"""Simulated performances: articulated performers whose motor control carries a hidden skill.

`motion` turns a skill into joint trajectories, `body` holds the skeleton, `cameras` and `render`
film it, `takes` writes a dataset of mp4 files. Nothing here is a claim about real athletes.
"""
