"""What this room writes into the evidence. Subjects are keyed hashes of the request or the person."""

from crasme.ledger.registry import register

RECEIVED = register("request.received", "A request arrived.", facts=("kind", "channel", "received_on", "lead"))
ENTERED = register(
    "request.entered", "A colleague entered what came by telephone or post.", facts=("channel", "identity")
)
CONFIRMED = register("request.confirmed", "The mailbox was proven and work began.", facts=("by",))
JOINED = register("request.joined", "A request was joined with an earlier one for the same thing.", facts=("first",))
LAPSED = register("request.lapsed", "A request was never confirmed and was closed.", facts=("days",))
WITHDRAWN = register("request.withdrawn", "The person took the request back.")
LOCATED = register("request.located", "The person was looked for.", facts=("account", "contacts", "regime"))
COLLECTED = register("request.collected", "What is held was counted.", facts=("source", "tables", "rows"))
PLANNED = register("request.planned", "A plan was drawn up.", facts=("plan", "kind", "hash", "round", "rows", "kept"))
ASSIGNED = register("request.assigned", "A request got an assignee, or none.", facts=("assignee", "instead_of", "rule"))
NOTED = register("request.noted", "A colleague wrote a note.", facts=("note",))
CLOCK = register("request.clock", "Something happened to the clock.", facts=("event", "on", "due", "rules_version"))
EXTENDING = register(
    "request.extending", "An extension was decided; its notice is queued.", facts=("message", "reason")
)
ASKED = register("request.asked", "The person was asked something; the mail is queued.", facts=("message", "about"))
RECOMPUTED = register(
    "request.clocks_recomputed", "Deadlines were derived anew from the events.", facts=("requests", "rules_version")
)
PROPOSED = register("request.erasure_proposed", "An erasure was proposed.", facts=("plan", "hash"))
NOT_AWAITED = register(
    "request.copy_not_awaited", "It was decided that the erasure does not wait for the copy.", facts=("copy",)
)
GRANTED = register("request.granted", "A request was granted as it was asked.", facts=("kind",))
APPROVED = register("request.approved", "A plan was approved.", facts=("plan", "kind", "hash"))
REPLANNED = register("request.replanned", "The data had changed; a new plan is made.", facts=("round", "why"))
REFUSED = register("request.refused", "A request was refused.", facts=("reason",))
DECIDED = register("request.decided", "A request was decided.", facts=("outcome",))
REOPENED = register("request.reopened", "A closed request was opened again.", facts=("round",))
CLOSED = register("request.closed", "A request was closed.", facts=("outcome", "in_time"))
STEP_DONE = register("request.step_done", "A step was done.", facts=("step", "kind", "source", "round", "attempts"))
STEP_PARKED = register(
    "request.step_parked", "A step failed too often and waits for a person.", facts=("step", "kind", "code")
)
STEP_REDRIVEN = register("request.step_redriven", "A parked step was put back into the queue.", facts=("step", "kind"))
STEP_BY_HAND = register(
    "request.step_by_hand", "A colleague did a step outside this system.", facts=("step", "kind", "source", "note")
)
PACKAGED = register("request.packaged", "A copy of the data was made.", facts=("package", "sha256", "size", "rows"))
DOWNLOADED = register("request.downloaded", "The person fetched the copy.", facts=("package", "downloads"))
PACKAGE_DESTROYED = register(
    "request.package_destroyed", "A copy was destroyed with its key.", facts=("package", "why")
)
ERASED = register(
    "request.erased", "An approved erasure was executed.", facts=("plan", "hash", "rows", "kept", "counts")
)
CERTIFIED = register(
    "request.certified",
    "A search after the erasure found nothing that must be gone.",
    facts=("plan", "hash", "searched"),
)
MAIL_SENT = register(
    "request.mail_sent", "A mail went out.", facts=("message", "template", "language", "digest", "letter")
)
CORRECTION_PROPOSED = register("request.correction_proposed", "Corrections were proposed.", facts=("fields",))
MAILBOX_PROVEN = register("request.mailbox_proven", "A proposed mailbox was proven.", facts=("field",))
CORRECTION_DECIDED = register(
    "request.correction_decided", "A colleague decided about corrections.", facts=("accepted", "rejected")
)
RECIPIENT_TOLD = register(
    "request.recipient_told", "A recipient of the data was told.", facts=("notice", "recipient", "act")
)
RECIPIENT_NOT_TOLD = register(
    "request.recipient_not_told", "A recipient of the data cannot be told.", facts=("notice", "recipient", "why")
)
RECIPIENT_REMINDED = register("request.recipient_reminded", "A recipient was reminded.", facts=("notice", "reminder"))
RECIPIENT_ACKNOWLEDGED = register(
    "request.recipient_acknowledged", "A recipient has done what it was told.", facts=("notice", "by")
)
MAIL_FAILED = register(
    "request.mail_failed", "A mail could not be sent and waits for a person.", facts=("message", "code")
)
MAIL_VOID = register(
    "request.mail_void", "A mail could not go out in time and would not be true any more.", facts=("message",)
)
MAIL_REDRIVEN = register("request.mail_redriven", "A failed mail was put back into the queue.", facts=("message",))
PARTICULARS = register("request.particulars", "A colleague noted what exactly is meant.", facts=("answers",))
LIFTING = register("request.lifting", "The person is being told that a restriction ends.", facts=("message",))
LIFTED = register(
    "request.restriction_lifted", "The person was told, and the restriction ended.", facts=("message", "others")
)
REPRESENTED = register("request.represented", "Somebody asks for the person.", facts=("mandate", "document"))
MANDATE_JUDGED = register("request.mandate_judged", "A mandate was accepted or rejected.", facts=("verdict",))
MANDATE_DESTROYED = register(
    "request.mandate_destroyed", "The paper of the mandate was destroyed with the decision.", facts=("files",)
)
RELEASE_CHOSEN = register("request.release_chosen", "The person said who gets the answer.", facts=("to",))
REFERRED = register(
    "request.referred", "The request was passed on to a customer.", facts=("customer", "contacts", "due")
)
REFERRAL_REMINDED = register("request.referral_reminded", "The customer was reminded.", facts=("number",))
REFERRAL_ANSWERED = register("request.referral_answered", "It is known what the customer does.", facts=("answer",))
CHILD_NAMED = register("request.child_named", "An officer said which account a report is about.")
CHILD_RESTRICTED = register("request.child_restricted", "The reported account was restricted at once.")
PARENT_JUDGED = register(
    "request.parent_judged", "An officer judged whether the reporter is the child's parent.", facts=("verdict",)
)
EMPTIED = register(
    "request.emptied", "What a report said about a child was emptied.", facts=("notes", "letters", "unread")
)
MAIL_BOUNCED = register("request.mail_bounced", "A mail came back as undeliverable.", facts=("message", "code"))
MESSAGE_WRITTEN = register("request.message_written", "A colleague wrote to the person.", facts=("message",))
REPLY_ARRIVED = register(
    "request.reply_arrived",
    "A message came in and was filed with the request.",
    facts=("message", "addressee", "channel", "files"),
)
REPLIES_READ = register("request.replies_read", "A colleague read what had come in.", facts=("messages",))
IDENTITY_MARKED = register(
    "request.identity_marked", "A file was marked as an identity document.", facts=("file", "identity")
)
IDENTITY_DESTROYED = register(
    "request.identity_destroyed", "Identity documents were destroyed with the decision.", facts=("files",)
)
FORGOTTEN = register(
    "request.person_forgotten",
    "After the answer, or when nobody had confirmed, the address went too.",
    facts=("requests",),
)

WEBHOOK_MADE = register("webhook.made", "A webhook was set up.", facts=("endpoint", "events", "key"))
WEBHOOK_CHANGED = register(
    "webhook.changed", "A webhook's address or events were changed.", facts=("endpoint", "events")
)
WEBHOOK_ROTATED = register("webhook.rotated", "A webhook got a new secret.", facts=("endpoint", "overlap_until"))
WEBHOOK_SWITCHED = register(
    "webhook.switched", "A webhook was switched on or off.", facts=("endpoint", "active", "why", "parked")
)
WEBHOOK_PARKED = register(
    "webhook.parked", "A webhook's message failed too often and waits for a person.", facts=("delivery", "code")
)
WEBHOOK_AGAIN = register("webhook.again", "A webhook's message is sent once more.", facts=("delivery",))
MAIL_STORED = register("mail.stored", "A mail came in and was stored.", facts=("source", "size", "cut"))
MAIL_SORTED = register("mail.sorted", "A mail was sorted by the worker.", facts=("status", "reading", "why", "kinds"))
MAIL_FAILED_READING = register("mail.failed", "A mail could not be read and waits for a person.", facts=("code",))
MAIL_SETTLED = register("mail.settled", "A colleague decided about a mail.", facts=("as_what", "requests"))
MAIL_REOPENED = register("mail.reopened", "A colleague wants a mail looked at again.")

LETTER_ACTIVATED = register(
    "letter.activated",
    "A letter got a text of the company's own.",
    facts=("letter", "template", "kind", "language", "version", "sha256"),
)
LETTER_RETIRED = register(
    "letter.retired",
    "A text of the company's own was taken back.",
    facts=("letter", "template", "kind", "language", "version", "sha256"),
)

POLICY_PROPOSED = register(
    "privacy.policy_proposed", "A version of the policy was proposed.", facts=("version", "hash", "rules")
)
POLICY_WITHDRAWN = register(
    "privacy.policy_withdrawn", "A proposed version of the policy was withdrawn.", facts=("version", "hash")
)
POLICY_PUBLISHED = register(
    "privacy.policy_published",
    "The policy was published.",
    facts=("version", "sha256", "rules", "material", "proposed_by", "effective_on"),
)
CARDS_SCANNED = register(
    "privacy.cards_scanned", "Everything was searched for card numbers.", facts=("at", "tables", "columns", "found")
)
