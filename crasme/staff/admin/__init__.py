"""The admin of the staff room, and the bases on which every room builds its own admin pages."""

from crasme.staff.admin.base import ReadOnlyAdmin, StaffModelAdmin
from crasme.staff.admin.paging import EstimatePaginator
from crasme.staff.admin.personal import PersonalDataAdmin

__all__ = [
    "EstimatePaginator",
    "PersonalDataAdmin",
    "ReadOnlyAdmin",
    "StaffModelAdmin",
]
