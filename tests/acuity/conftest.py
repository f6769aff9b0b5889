"""How long and how repeatably hypothesis searches."""

from hypothesis import settings

# No deadline: a busy machine is no failure. Derandomised: the same tree gives the same verdict.
settings.register_profile("house", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=20_000)
settings.load_profile("house")
