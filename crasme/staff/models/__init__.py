from crasme.staff.models.absences import Absence
from crasme.staff.models.access import AccessEntry
from crasme.staff.models.keys import ApiKey
from crasme.staff.models.sessions import Session
from crasme.staff.models.users import User

__all__ = ["Absence", "AccessEntry", "ApiKey", "Session", "User"]
