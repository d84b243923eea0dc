"""What callers keep in the store is kept apart, on both databases."""

from pathlib import Path

from app.store import OwnStore, open_store
from governance.identity import Caller
from settings import Settings


async def test_the_store_keeps_owners_apart(database_url: str, tmp_path: Path) -> None:
    url = "" if database_url.startswith("sqlite") else database_url
    async with open_store(Settings(home=tmp_path, database_url=url)) as store:
        ada, ad = (OwnStore(store, lambda who=who: Caller(who, "acme")) for who in ("ada", "ad"))  # type: ignore[misc]  # its default binds it
        await ada.aput(("notes", "x"), "k", {"n": 1})
        await ada.aput(("notes", "y", "z"), "k", {"n": 2})
        assert [item.namespace for item in await ada.asearch(("notes",), filter={"n": 2})] == [("notes", "y", "z")]
        assert sorted(await ada.alist_namespaces(prefix=("notes",), max_depth=2)) == [("notes", "x"), ("notes", "y")]
        assert await ada.alist_namespaces(suffix=("z",)) == [("notes", "y", "z")]
        assert await ad.asearch(()) == [] and await ad.alist_namespaces() == [] and await ad.aget(("notes", "x"), "k") is None
        await ad.adelete(("notes", "x"), "k")
        assert (await ada.aget(("notes", "x"), "k")) is not None
