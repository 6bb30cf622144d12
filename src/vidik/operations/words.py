"""Text that people type: trimmed, and without what no person types and no database stores."""

from typing import Annotated

from pydantic import AfterValidator


def _typed(text: str) -> str:
    stripped = text.strip()
    if any(ord(letter) < 32 and letter not in "\n\t" for letter in stripped) or any(
        0xD800 <= ord(letter) <= 0xDFFF for letter in stripped
    ):
        raise ValueError("the text has characters that cannot be written")
    return stripped


def _said(text: str) -> str:
    if not text:
        raise ValueError("say why")
    return text


Words = Annotated[str, AfterValidator(_typed)]
Reason = Annotated[str, AfterValidator(_typed), AfterValidator(_said)]
