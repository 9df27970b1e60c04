"""The command line: arguments in, tables, folders and exit codes out; the only place that prints."""
