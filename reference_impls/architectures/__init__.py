"""Real models as data, with the counts that were published, and the code that counts them again."""
