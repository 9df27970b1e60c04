"""HTML blocks of the site, one family of pages a module. Nothing here reads or writes files."""
