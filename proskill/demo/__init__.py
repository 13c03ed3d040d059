"""`make demo`: simulate performers, learn their skill from video, judge performers never seen."""
