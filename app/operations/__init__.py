"""Operations: what came of goals, what they cost, where they waited, what failed; each number with the runs behind it."""
