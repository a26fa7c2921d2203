"""`--cache`: what is in the local cache, whether it is sound, and less of it. `--clean`: less of what was made."""

from __future__ import annotations

from runner.compose import cache_folder
from runner.error import EXIT_DONE, EXIT_STRICT, columns, refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from runner.compose import Kept
    from runner.request import Ambient, Request
    from runner.store.look import Entry, Finding
    from runner.task import Project
    from runner.telling import Case


def caching(request: Request, project: Project, ambient: Ambient) -> tuple[str, int]:
    """The answer of `--cache`, as text or as one document, and the exit code."""
    ways: Mapping[str, Callable[[str, Request, Project, Ambient], tuple[str, int]]] = {
        "dir": _dir,
        "stats": _stats,
        "list": _list,
        "verify": _verify,
        "gc": _gc,
        "clear": _clear,
    }
    folder = cache_folder(project, ambient)
    try:
        return ways[request.cache or "stats"](folder, request, project, ambient)
    except OSError as error:
        raise refuse(f"the cache `{error.filename or folder}` cannot be read: {error.strerror}") from None


def _dir(folder: str, request: Request, project: Project, ambient: Ambient) -> tuple[str, int]:
    return _document(request, dir=folder) or f"{folder}\n", EXIT_DONE


def _stats(folder: str, request: Request, project: Project, ambient: Ambient) -> tuple[str, int]:
    from runner.store.look import stats

    found = stats(folder)
    limits = {"max_size_bytes": project.cache.max_size, "max_age_s": project.cache.max_age}
    counted = {"records": found.records, "blobs": found.blobs, "bytes": found.bytes, "set_aside": found.bad}
    told = _document(request, dir=folder, **counted, oldest=found.oldest_s, newest=found.newest_s, **limits)
    if told:
        return told, EXIT_DONE
    rows = [
        ("dir", folder),
        ("results", f"{found.records:,}"),
        ("files", f"{found.blobs:,}"),
        ("size", f"{size(found.bytes)} of {size(project.cache.max_size)}"),
    ]
    if found.oldest_s is not None and found.newest_s is not None:
        rows.append(("used last", f"{age(ambient.clock() - found.newest_s)} ago"))
        limit = age(project.cache.max_age)
        rows.append(("unused longest", f"{age(ambient.clock() - found.oldest_s)} of {limit}"))
    if found.bad:
        rows.append(("set aside", f"{found.bad} damaged"))
    return "".join(f"{label.ljust(14)}  {text}\n" for label, text in rows), EXIT_DONE


def _list(folder: str, request: Request, project: Project, ambient: Ambient) -> tuple[str, int]:
    from runner.leavings import task_of
    from runner.store.look import listed

    names = [target.name for target in request.targets]
    found = [one for one in listed(folder) if not names or task_of(one.record.task) in names]
    told = _document(request, dir=folder, results=[_entry(one) for one in found])
    if told:
        return told, EXIT_DONE
    rows: list[tuple[str, ...]] = [("task", "key", "made", "used", "size", "by")]
    rows += [_row(one, ambient.clock()) for one in found]
    if len(rows) == 1:
        return "nothing is cached\n", EXIT_DONE
    widths = [max(columns(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = (
        "  ".join(cell + " " * (width - columns(cell)) for cell, width in zip(row, widths, strict=True)) for row in rows
    )
    return "".join(f"{line.rstrip()}\n" for line in lines), EXIT_DONE


def _entry(one: Entry) -> dict[str, Any]:
    record = one.record
    return {
        "task": record.task,
        "key": record.key,
        "made": record.made_at,
        "used": one.used_s,
        "size_bytes": one.size_bytes,
        "run": record.run,
        "by": record.by,
        "duration_s": record.duration_s,
        "exit_code": record.exit_code,
    }


def _row(one: Entry, now: float) -> tuple[str, ...]:
    from runner.report.wording import one_line

    record = one.record
    made, used = (f"{age(now - time)} ago" for time in (record.made_at, one.used_s))
    return one_line(record.task), record.key[:12], made, used, size(one.size_bytes), one_line(record.by)


def _verify(folder: str, request: Request, project: Project, ambient: Ambient) -> tuple[str, int]:
    from runner.store.look import verify

    found = list(verify(folder, ambient.clock()))
    code = EXIT_STRICT if found else EXIT_DONE
    told = _document(request, dir=folder, findings=[_finding(one) for one in found])
    if told:
        return told, code
    if not found:
        return "all that is cached is sound\n", code
    return "".join(f"{one.kind} {one.path}: {one.reason}{', set aside' * one.is_set_aside}\n" for one in found), code


def _finding(one: Finding) -> dict[str, Any]:
    return {"path": one.path, "kind": one.kind, "reason": one.reason, "is_set_aside": one.is_set_aside}


def _gc(folder: str, request: Request, project: Project, ambient: Ambient) -> tuple[str, int]:
    from runner.store.gc import collect

    done = collect(folder, project.cache.max_size, project.cache.max_age, ambient.clock())
    if done.trouble:
        raise refuse(f"the cache cannot be collected: {done.trouble}")
    freed = {"freed_bytes": done.freed_bytes, "kept_bytes": done.kept_bytes, "records": done.records}
    told = _document(request, dir=folder, **freed, blobs=done.blobs, is_busy=done.is_busy)
    if told:
        return told, EXIT_DONE
    if done.is_busy:
        return "another trun is collecting already\n", EXIT_DONE
    return f"freed {size(done.freed_bytes)}, kept {size(done.kept_bytes)}\n", EXIT_DONE


def _clear(folder: str, request: Request, project: Project, ambient: Ambient) -> tuple[str, int]:
    from runner.store.look import clear

    files, size_bytes = clear(folder)
    told = _document(request, dir=folder, files=files, freed_bytes=size_bytes)
    return told or f"removed {files:,} files, {size(size_bytes)}\n", EXIT_DONE


def cleaned(case: Case, kept: Kept) -> str:
    """Remove what the targets' last runs made, as far as it still is that; without targets, what all made."""
    from runner.leavings import clear

    graph, sources = case.selection.graph, kept.settle.sources
    names = set(case.selection.wanted)
    groups = [name for name in names if not graph.nodes[name].task.steps]
    names |= graph.needed(groups)
    known = [name for name in sources.ledger.names() if name in names]
    found = [(name, last) for name in known if (last := sources.ledger.get(name)) is not None and not last.in_place]
    removed = clear(sources.tree, sources.ledger, found)
    told = [f"removed {path}\n" for path in removed.paths]
    told += [f"kept {path}, which changed since\n" for path in removed.kept]
    return "".join(told) or "nothing to remove\n"


def size(size_bytes: int) -> str:
    """An amount of bytes as people say it."""
    amount, unit = float(size_bytes), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"


def age(seconds: float) -> str:
    """A span of time in its largest unit."""
    for unit_s, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= unit_s:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def _document(request: Request, **told: Any) -> str:
    if request.json is None:
        return ""
    import json

    return json.dumps({"v": 1, "view": "cache", "what": request.cache, **told}) + "\n"
