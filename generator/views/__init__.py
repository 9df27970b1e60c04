"""The catalogue looked at from one side: checked records and result files in; computed records out. No HTML."""
