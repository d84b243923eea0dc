"""What belongs to the sample domain in the kill test: the goal, the company, and how to see what was done to it."""
