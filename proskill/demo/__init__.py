"""`make demo`: simulate performers, learn their skill from video, evaluate on unseen performers."""
