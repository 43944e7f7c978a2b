"""The admin of the staff room, and the bases on which every room builds its own admin pages."""

from crasme.staff.admin import absences, evidence, keys, schedules, users
from crasme.staff.admin.base import ReadOnlyAdmin, StaffModelAdmin
from crasme.staff.admin.confirm import confirmed
from crasme.staff.admin.paging import EstimatePaginator
from crasme.staff.admin.personal import PersonalDataAdmin
from crasme.staff.admin.picking import PickedRow, PickedRows
from crasme.staff.admin.sheets import PersonalExportAdmin, PersonalImportExportAdmin

__all__ = [
    "EstimatePaginator",
    "PersonalDataAdmin",
    "PersonalExportAdmin",
    "PersonalImportExportAdmin",
    "PickedRow",
    "PickedRows",
    "ReadOnlyAdmin",
    "StaffModelAdmin",
    "absences",
    "confirmed",
    "evidence",
    "keys",
    "schedules",
    "users",
]
