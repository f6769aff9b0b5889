"""Progress of long work, on stderr; nothing is shown of work that never began."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that takes (done, total).

    Args:
        title: What is going on, such as `reading scans`.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    progress = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))
    task = progress.add_task(title, total=None)

    def update(done: int, total: int) -> None:
        progress.start()  # again and again does no harm
        progress.update(task, completed=done, total=total)

    try:
        yield update
    finally:
        if progress.live.is_started:  # else it would print a blank line
            progress.stop()
