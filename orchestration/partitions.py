"""One partition a batch of documents; sensors, schedules and the command line add them."""

import dagster as dg

document_batches = dg.DynamicPartitionsDefinition(name="document_batches")
