"""Sound and video: speech with its seconds, and a picture a scene."""

from docmill.extract.media.reader import read_media

__all__ = ["read_media"]
