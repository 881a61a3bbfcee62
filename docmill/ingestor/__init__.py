"""Documents into lists of elements, in the shape that nv-ingest's clients know: in this process or over HTTP."""
