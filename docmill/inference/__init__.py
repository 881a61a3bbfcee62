"""Model runtimes: texts to vectors, in this process."""
