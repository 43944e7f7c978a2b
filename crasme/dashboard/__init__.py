"""The first page of the back office, its menu, its environment badge and the promise board; UNFOLD names them."""

from crasme.dashboard.board import BoardCard, BoardPage
from crasme.dashboard.menu import environment, navigation
from crasme.dashboard.monitor import MonitorPage
from crasme.dashboard.page import favicon, index, scripts, styles

__all__ = [
    "BoardCard",
    "BoardPage",
    "MonitorPage",
    "environment",
    "favicon",
    "index",
    "navigation",
    "scripts",
    "styles",
]
