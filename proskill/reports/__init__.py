"""Pages about datasets: self-contained HTML. This room may use every other one but the command."""
