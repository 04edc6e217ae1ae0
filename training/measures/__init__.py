"""What the evaluation measures, one file a question."""
