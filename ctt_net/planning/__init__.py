"""Planning a study: how many eyes, for what certainty. No torch, no images."""
