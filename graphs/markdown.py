from graphs.answer import Answer
def to_markdown(answer: Answer) -> str:
    return answer.title
