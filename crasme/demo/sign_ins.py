"""Who may sign in to the demo. No Django here: `make run` prints this list without waiting for it.

The addresses end in `.example`, which the sign-in knows as demo people (crasme.staff.adapters).
"""

from dataclasses import dataclass

from crasme.staff.demo import PASSWORD


@dataclass(frozen=True, slots=True)
class SignIn:
    email: str
    first_name: str
    last_name: str
    role: str
    password: str = PASSWORD
    superuser: bool = False


SIGN_INS = (
    SignIn("ada@staff.crasme.example", "Ada", "Moser", "Support agent"),
    SignIn("ben@staff.crasme.example", "Ben", "Okafor", "Support agent"),
    SignIn("clara@staff.crasme.example", "Clara", "Vidal", "Privacy officer"),
    SignIn("dario@staff.crasme.example", "Dario", "Conti", "Privacy officer"),
    SignIn("emre@staff.crasme.example", "Emre", "Yildiz", "Operations"),
    SignIn("fatima@staff.crasme.example", "Fatima", "Haddad", "Auditor"),
    SignIn("root@staff.crasme.example", "Robin", "Root", "Administrator", superuser=True),
)
