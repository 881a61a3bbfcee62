"""What Triton's Python back end runs. Each file is copied into the model repository and imports nothing of docmill."""
