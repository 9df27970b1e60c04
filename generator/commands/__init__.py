"""Arguments in; what a command does, prints and fails with; one command a module, imported when it is called."""
