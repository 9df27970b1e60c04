"""What the reference implementations measured: committed result files in; records out. No HTML."""
