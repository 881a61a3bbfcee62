"""docmill turns a bucket of documents into a searchable, provable vector collection."""
