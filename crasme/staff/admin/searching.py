"""What somebody types into the box of a list, kept out of its address.

An address goes further than its page: a proxy's log keeps it, the browser's history, a bookmark, a message to a
colleague. What is typed there is mostly whom somebody looks for. So the box posts its words; the session keeps them,
encrypted and until an hour after they were last used; and the address bears a random name for them. Words that stand
in an address all the same (typed by hand, or in an old bookmark) are taken out of it before anything is shown.

What could go wrong: a name that means nothing any more is taken for no search at all, and an action or an export takes
every row in place of some. So a search that has ended finds nothing and says so. Or the box of an admin that is not
ours posts its words to a list that does not take them: templates of the admin's names show the theme's own to those.
"""

from typing import Any, ClassVar, Final

from django.contrib.admin.views.main import ERROR_FLAG, PAGE_VAR, SEARCH_VAR
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from unfold.views import ChangeList

from crasme.staff.searches import keep, typed, words_of

SOUGHT_VAR: Final = "search"


class SearchedList(ChangeList):
    """A list whose words come from the session; `search_ended` when they are not there any more."""

    search_ended = False
    # What templates/admin/search_form.html and change_list_results.html show for these lists alone.
    own_templates: ClassVar = {"box": "admin/staff/list_box.html", "rows": "admin/staff/list_rows.html"}

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        found: dict[str, Any] = super().get_filters_params(params)
        found.pop(SOUGHT_VAR, None)
        return found

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> Any:
        words = sought(request)
        self.query, self.search_ended = words or "", words is None
        rows = super().get_queryset(request, exclude_parameters)
        return rows.none() if self.search_ended else rows

    @property
    def without_search(self) -> str:
        """The same list, filters and order with nothing searched for: where the box posts to, and how it is cleared."""
        return str(self.get_query_string({SOUGHT_VAR: None}))


def taken_out(request: HttpRequest) -> HttpResponse | None:
    """Where to look in place of an address or a form that brings words; None when there are none."""
    words = (request.POST if request.method == "POST" else request.GET).get(SEARCH_VAR)
    if words is None:
        return None
    rest = request.GET.copy()
    for name in (SEARCH_VAR, SOUGHT_VAR, PAGE_VAR, ERROR_FLAG):
        rest.pop(name, None)
    if words := typed(words):
        rest[SOUGHT_VAR] = keep(request.session, words, now=timezone.now())
    return redirect(f"{request.path}?{rest.urlencode()}" if rest else request.path)


def sought(request: HttpRequest) -> str | None:
    """The words that this page searches for, "" without any; None when the search that it names has ended."""
    if token := request.GET.get(SOUGHT_VAR):
        return words_of(request.session, token, now=timezone.now())
    return typed(request.GET.get(SEARCH_VAR, ""))
