"""x."""

from typing import Any


def page(told: dict[str, Any]) -> str:
    """X."""
    return str(told)
