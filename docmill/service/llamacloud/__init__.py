"""LlamaCloud's wire protocol: the official, unmodified SDK parses documents by its base URL and key alone."""

from docmill.service.llamacloud.routes import llamacloud_protocol

__all__ = ["llamacloud_protocol"]
