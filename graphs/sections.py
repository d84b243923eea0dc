"""One section for one matter, one table for one product: what several steps made of the same kind is set out together.

A step repeated for each row of a product gives as many results of one row each; a reader wants one table. Rows keep the records
they rest on, sentences their citations. Called by `report.py` on the sections of whatever reporter.
"""

from collections.abc import Iterable

from graphs.answer import AnswerSection, AnswerTable

NAMED = 3  # scopes that are told apart in a caption; beyond that they are counted


def one_of_each(sections: Iterable[AnswerSection]) -> tuple[AnswerSection, ...]:
    """The sections in order, those of one heading joined where the first of them stands, and so their tables."""
    joined: dict[str, AnswerSection] = {}
    for section in sections:
        known = joined.get(section.heading, AnswerSection(heading=section.heading))
        joined[section.heading] = AnswerSection(
            heading=section.heading,
            sentences=(*known.sentences, *section.sentences),
            tables=(*known.tables, *section.tables),
            charts=(*known.charts, *section.charts),
        )
    return tuple(section.model_copy(update={"tables": _tables(section.tables)}) for section in joined.values())


def _tables(tables: Iterable[AnswerTable]) -> tuple[AnswerTable, ...]:
    alike: dict[tuple[object, ...], list[AnswerTable]] = {}
    for table in tables:
        product = table.source.partition(".")[2]
        alike.setdefault((product, table.caption, table.columns), []).append(table)
    return tuple(_one(group) for group in alike.values())


def _one(tables: list[AnswerTable]) -> AnswerTable:
    """One table with the rows of all."""
    first = tables[0]
    distinct = {table.source: table for table in tables}.values()  # the same table set out twice is set out once
    return first.model_copy(
        update={
            "source": ", ".join(table.source for table in distinct),
            "rows": tuple(row for table in distinct for row in table.rows),
            "total_rows": sum(table.total_rows for table in distinct),
            "scope": _together(table.scope for table in distinct),
            "as_of": _together(table.as_of for table in distinct),
        }
    )


def _together(texts: Iterable[str]) -> str:
    different = list(dict.fromkeys(texts))
    more = len(different) - NAMED
    return "; ".join(different[:NAMED]) + (f"; and {more} more" if more > 0 else "")
