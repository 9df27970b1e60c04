"""What an entry is: bytes of YAML in; a guarded document, typed records, problems, or canonical bytes out."""
