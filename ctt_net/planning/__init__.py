"""Planning a study: precision of metrics, sample size, learning curve. No torch, no images."""
