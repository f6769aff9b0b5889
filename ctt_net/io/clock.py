"""The time that results are marked with."""

import datetime
import os


def utc_now() -> str:
    """Now, ISO 8601, UTC, to the second.

    Where the environment sets `SOURCE_DATE_EPOCH` (seconds since 1970, as for reproducible builds),
    that time: two runs then give the same bytes.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    now = datetime.datetime.now(datetime.UTC)
    if epoch.isdecimal():
        now = datetime.datetime.fromtimestamp(int(epoch), datetime.UTC)
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")
