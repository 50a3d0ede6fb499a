"""Controls in, a selection out."""

from .explorer import Explorer, explore
from .review_desk import review
from .review_widget import Review

__all__ = ["Explorer", "Review", "explore", "review"]
