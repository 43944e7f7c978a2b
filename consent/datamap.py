"""What this room stores about people: their cookie choices, and hashes of addresses that want no mail."""

from crasme.kit.datamap import Category, NoPeople, Purpose, Sensitivity, Table, kept

PROOF = "The controller must be able to show what was consented to and refused (GDPR Art. 7(1))."
STANDING_WISH = "Only by keeping its hash can an address that wants no mail be left alone (GDPR Art. 21(3))."
HASH = "A keyed hash: it says nothing to its owner, and would help others to test addresses."

DECISION = {
    "filed_at": kept("The instant inside the record's id", reason=PROOF, sensitivity=Sensitivity.LOW),
    "visitor": kept("Random number of the browser that chose", reason=PROOF),
    "account": kept("The account that was signed in, by its bare number", reason=PROOF),
    "notice": kept("Digest of the notice that was shown", reason=PROOF, sensitivity=Sensitivity.LOW),
    "choices": kept("Yes or no to each category", reason=PROOF),
    "asked": kept("Which categories were on screen, when not all", reason=PROOF),
    "action": kept("What was pressed", reason=PROOF),
    "surface": kept("Where it was pressed", reason=PROOF, sensitivity=Sensitivity.LOW),
    "gpc": kept("Whether the browser sent Global Privacy Control", reason=PROOF),
    "language": kept("Language of the notice", reason=PROOF),
    "shown_at": kept("When the notice was first shown", reason=PROOF),
    "decided_at": kept("When the choice was made", reason=PROOF),
    "received_at": kept("When the choice arrived", reason=PROOF),
    "digest": kept("Digest of the record", reason=PROOF, sensitivity=Sensitivity.LOW),
}

TABLES = [
    NoPeople("consent.Category", why="Kinds of cookies, the same for everybody."),
    NoPeople("consent.Service", why="Companies and systems that set cookies."),
    NoPeople("consent.Cookie", why="Names and purposes of cookies, never a value."),
    NoPeople("consent.Notice", why="Published texts."),
    NoPeople("consent.NoticePicture", why="Pictures of published texts."),
    NoPeople("consent.NoticeDay", why="Counts a day, of nobody in particular."),
    NoPeople("consent.RegistryVersion", why="Kinds, names and purposes of cookies, as published."),
    NoPeople("consent.RegistryCheck", why="When a browser compared this site with the registry."),
    NoPeople("consent.CookieSighting", why="Names of cookies and URL patterns, never a value, a path or a visitor."),
    Table(
        label="consent.ConsentEvent",
        title="Cookie choices",
        category=Category.COOKIES,
        purposes=(Purpose.SECURITY,),
        subject={"visitor": "visitor", "account": "account"},
        ends="consent",
        order="decided_at",
        fields=DECISION,
    ),
    Table(
        label="consent.HeldConsentEvent",
        title="Cookie choices on hold",
        category=Category.COOKIES,
        purposes=(Purpose.SECURITY,),
        subject={"visitor": "visitor", "account": "account"},
        ends="consent",
        order="decided_at",
        fields=DECISION | {"carried_at": kept("When the row was set aside for a legal hold", reason=PROOF)},
    ),
    Table(
        label="consent.VisitorAccount",
        title="Browsers in which the account was used",
        category=Category.COOKIES,
        purposes=(Purpose.SECURITY,),
        subject={"visitor": "visitor", "account": "account"},
        ends="consent-browsers",
        order="joined_at",
        fields={
            "visitor": kept("Random number of the browser", reason=PROOF),
            "account": kept("The account, by its bare number", reason=PROOF),
            "joined_at": kept("When the account was used there", reason=PROOF),
        },
    ),
    Table(
        label="consent.Acceptance",
        title="Versions of the policy that the account was told of or accepted",
        category=Category.RIGHTS,
        purposes=(Purpose.COMMUNICATION,),
        subject={"account": "account"},
        ends="acceptances",
        order="decided_at",
        fields={
            "account": kept("The account, by its bare number", reason=PROOF),
            "document": kept("Which document", reason=PROOF, sensitivity=Sensitivity.LOW),
            "version": kept("Which version", reason=PROOF, sensitivity=Sensitivity.LOW),
            "sha256": kept("Digest of the text", reason=PROOF, sensitivity=Sensitivity.LOW),
            "act": kept("Told, accepted or declined", reason=PROOF),
            "surface": kept("Where", reason=PROOF, sensitivity=Sensitivity.LOW),
            "language": kept("Language of the text", reason=PROOF),
            "decided_at": kept("When it was done", reason=PROOF),
            "received_at": kept("When it arrived", reason=PROOF),
            "digest": kept("Digest of the record", reason=PROOF, sensitivity=Sensitivity.LOW),
        },
    ),
    Table(
        label="consent.Suppression",
        title="Opt-outs from mail",
        category=Category.RIGHTS,
        purposes=(Purpose.COMMUNICATION,),
        subject={"email": "address"},
        ends="",
        ends_reason="It stands until the person, verified, asks for mail again.",
        order="created_at",
        fields={
            "address": kept("Keyed hash of the address", reason=STANDING_WISH, withheld=HASH),
            "key_version": kept("Which key the hash was made with", reason=STANDING_WISH, sensitivity=Sensitivity.LOW),
            "scope": kept("Which mail is not wanted", reason=STANDING_WISH),
            "reason": kept("Why", reason=STANDING_WISH),
            "source": kept("How the wish reached us", reason=STANDING_WISH),
            "created_at": kept("Since when", reason=STANDING_WISH),
        },
    ),
]
