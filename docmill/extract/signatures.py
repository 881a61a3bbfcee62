"""Tells sound and video by their first bytes."""

from __future__ import annotations

_SOUND_BRANDS = (b"M4A ", b"M4B ", b"M4P ", b"F4A ")


def media_label(data: bytes) -> str:
    """The label of a recording, as `media.container.FORMATS` has them, or "" if the bytes are none."""
    if data.startswith(b"RIFF"):
        return {b"WAVE": "wav", b"AVI ": "avi"}.get(data[8:12], "")
    if data.startswith(b"\x1a\x45\xdf\xa3"):
        return "webm" if b"webm" in data[:64] else "mkv"
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        return "m4a" if brand in _SOUND_BRANDS else "mov" if brand == b"qt  " else "mp4"
    if data[4:8] in (b"moov", b"mdat", b"wide"):
        return "mov"
    return "mp3" if _is_mpeg_sound(data) else ""


def _is_mpeg_sound(data: bytes) -> bool:
    """Whether two frames of MPEG sound (layer 3) follow each other: one header alone is found in any bytes."""
    length = _frame_length(data, 0)
    return length > 0 and _frame_length(data, length) > 0


def _frame_length(data: bytes, at: int) -> int:
    """The bytes of the frame of MPEG layer 3 that begins here, 0 where none does (ISO 11172-3, 13818-3)."""
    if len(data) < at + 4 or data[at] != 0xFF or data[at + 1] & 0xE6 != 0xE2:
        return 0
    version = (data[at + 1] >> 3) & 3
    rate_index, frequency_index = data[at + 2] >> 4, (data[at + 2] >> 2) & 3
    if version == 1 or rate_index in (0, 15) or frequency_index == 3:
        return 0
    first = version == 3
    rates = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
    lower = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
    rate = (rates if first else lower)[rate_index - 1] * 1_000
    frequency = (44_100, 48_000, 32_000)[frequency_index] // {3: 1, 2: 2, 0: 4}[version]
    return (144 if first else 72) * rate // frequency + ((data[at + 2] >> 1) & 1)
