"""Train the segmentation network on simulated scans, whose every pixel is known."""
