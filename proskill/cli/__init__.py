"""The command line. One file per command group; nothing heavy is imported until a command runs."""
