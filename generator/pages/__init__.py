"""One family of pages a module: the catalogue and its views in; HTML blocks out. Nothing here reads or writes files."""
