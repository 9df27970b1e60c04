"""The catalogue looked at from one side: checked records in; computed records out. No HTML."""
