from unfold.sites import UnfoldAdminSite


class StaffSite(UnfoldAdminSite):
    pass
