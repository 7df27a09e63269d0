"""What is trained beyond one model: the paper's tables and figures, with their controls."""
