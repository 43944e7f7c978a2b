"""The first page of the back office, its menu and its environment badge; the settings (UNFOLD) name these five."""

from crasme.dashboard.menu import environment, navigation
from crasme.dashboard.page import favicon, index, styles

__all__ = ["environment", "favicon", "index", "navigation", "styles"]
