-- What must hold of every request at any moment, whatever crashed, was sent twice or came too late.
--
-- One statement: a row for each violation, with the name of the rule and what it is about (never a person). It runs
-- as it stands, in psql as in `manage.py faults check`. The hour is the server's, unless crasme.now is set.
WITH
hour AS (
    SELECT coalesce(nullif(current_setting('crasme.now', true), '')::timestamptz, now()) AS now
),
clocks AS (
    SELECT request_id,
           count(*) FILTER (WHERE kind = 'received') AS receipts,
           min("on") FILTER (WHERE kind = 'received') AS received_on,
           count(*) FILTER (WHERE kind = 'closed') - count(*) FILTER (WHERE kind = 'reopened') AS closings,
           bool_or(kind = 'extended') AS extended
    FROM privacy_clockevent
    GROUP BY request_id
)

-- Every request has exactly one clock, started by its receipt.
SELECT 'one-clock' AS rule, request.reference AS about
FROM privacy_request request LEFT JOIN clocks ON clocks.request_id = request.id
WHERE clocks.receipts IS DISTINCT FROM 1 OR clocks.received_on IS DISTINCT FROM request.received_on

-- The clock is live exactly while the request is open.
UNION ALL
SELECT 'live-while-open', request.reference
FROM privacy_request request JOIN clocks ON clocks.request_id = request.id
WHERE clocks.closings <> (request.state = 'closed')::int

-- Due by the promise or the law, whichever comes first; the promise is never later than thirty days.
UNION ALL
SELECT 'due-as-promised', reference
FROM privacy_request
WHERE effective_due <> least(promise_due, law_due) OR promise_due > received_on + 30 OR promise_due <= received_on

-- Nobody is told of an extension by the clock alone.
UNION ALL
SELECT 'extended-means-told', request.reference
FROM privacy_request request JOIN clocks ON clocks.request_id = request.id
WHERE clocks.extended AND NOT EXISTS (
    SELECT FROM privacy_message message
    WHERE message.request_id = request.id AND message.template = 'extended' AND message.state = 'done'
)

-- Nothing is done for what nobody has confirmed.
UNION ALL
SELECT 'confirmed-before-work', request.reference
FROM privacy_request request
WHERE request.confirmed_at IS NULL
  AND EXISTS (SELECT FROM privacy_step step WHERE step.request_id = request.id)

-- An open, confirmed request always has something to do: by a machine, or by a person who sees it.
UNION ALL
SELECT 'open-means-work', request.reference
FROM privacy_request request
WHERE request.state NOT IN ('received', 'closed') AND NOT EXISTS (
    SELECT FROM privacy_step step
    WHERE step.request_id = request.id AND step.round = request.round AND step.state IN ('due', 'leased', 'parked')
)

-- A closed one has nothing left to do.
UNION ALL
SELECT 'closed-means-done', request.reference
FROM privacy_request request
WHERE request.state = 'closed' AND EXISTS (
    SELECT FROM privacy_step step
    WHERE step.request_id = request.id AND step.state NOT IN ('done', 'cancelled')
)

-- What was granted was answered, in the round that counts.
UNION ALL
SELECT 'granted-means-answered', request.reference
FROM privacy_request request
WHERE request.state = 'closed' AND request.outcome IN ('granted', 'partly') AND NOT EXISTS (
    SELECT FROM privacy_step step
    WHERE step.request_id = request.id AND step.round = request.round AND step.kind = 'answer' AND step.state = 'done'
)

-- Work of a round that does not exist yet.
UNION ALL
SELECT 'no-work-ahead', request.reference
FROM privacy_request request JOIN privacy_step step ON step.request_id = request.id
WHERE step.round > request.round

-- An erasure is proposed by one person, approved by another, and carried out after that.
UNION ALL
SELECT 'four-eyes', request.reference
FROM privacy_plan plan JOIN privacy_request request ON request.id = plan.request_id
WHERE plan.kind = 'erasure' AND plan.approved_at IS NOT NULL
  AND (plan.requested_by_id IS NULL OR plan.approved_by_id IS NULL OR plan.requested_by_id = plan.approved_by_id)
UNION ALL
SELECT 'approved-before-erased', request.reference
FROM privacy_plan plan JOIN privacy_request request ON request.id = plan.request_id
WHERE plan.executed_at IS NOT NULL AND (plan.approved_at IS NULL OR plan.approved_at > plan.executed_at)
UNION ALL
SELECT 'erased-by-its-plan', request.reference
FROM privacy_plan plan
JOIN privacy_request request ON request.id = plan.request_id
JOIN privacy_step step ON step.request_id = plan.request_id AND step.round = plan.round
WHERE plan.kind = 'erasure' AND step.kind = 'execute' AND (step.state = 'done') <> (plan.executed_at IS NOT NULL)

-- A duplicate never outranks the first, and is never blocked by one that nobody has confirmed.
UNION ALL
SELECT 'first-come-first', request.reference
FROM privacy_request request LEFT JOIN privacy_request earlier ON earlier.id = request.duplicate_of_id
WHERE request.outcome = 'duplicate' AND earlier.id IS NOT NULL
  AND ((earlier.received_at, earlier.id) > (request.received_at, request.id) OR earlier.confirmed_at IS NULL)

-- A lease that nobody keeps is taken up again by the sweep, within minutes.
UNION ALL
SELECT 'no-lapsed-lease', request.reference
FROM privacy_step step JOIN privacy_request request ON request.id = step.request_id, hour
WHERE step.state = 'leased' AND step.lease_until < hour.now - interval '10 minutes'
UNION ALL
SELECT 'no-lapsed-lease', request.reference
FROM privacy_message message JOIN privacy_request request ON request.id = message.request_id, hour
WHERE message.state = 'leased' AND message.lease_until < hour.now - interval '10 minutes'

-- Who was forgotten is: nothing readable is left beside what they asked.
UNION ALL
SELECT 'forgotten-means-empty', request.reference
FROM privacy_person person JOIN privacy_request request ON request.person_id = person.id
WHERE person.email = '' AND person.email_hash NOT LIKE 'nobody:%' AND (
    person.full_name <> '' OR request.full_name IS NOT NULL OR request.details IS NOT NULL OR request.about IS NOT NULL
    OR EXISTS (
        SELECT FROM privacy_message message
        WHERE message.request_id = request.id
          AND (message.subject IS NOT NULL OR message.body IS NOT NULL OR message.written IS NOT NULL)
    )
    OR EXISTS (SELECT FROM privacy_note note WHERE note.request_id = request.id AND note.body IS NOT NULL)
    -- The sweep empties what was set aside since, within a minute.
    OR EXISTS (
        SELECT FROM privacy_inboundmail mail, hour
        WHERE mail.person_id = person.id AND mail.status = 'ignored' AND mail.settled_at < hour.now - interval '10 minutes'
          AND (mail.sender IS NOT NULL OR mail.subject IS NOT NULL OR mail.body IS NOT NULL)
    )
)

-- A report of a child's account is due in five days, and the evidence that is left of it says nothing of the child.
UNION ALL
SELECT 'children-promptly', reference
FROM privacy_request
WHERE kind = 'child' AND promise_due <> received_on + 5
UNION ALL
SELECT 'children-emptied', request.reference
FROM privacy_request request
WHERE request.kind = 'child' AND request.state = 'closed' AND (
    request.full_name IS NOT NULL OR request.details IS NOT NULL OR request.about IS NOT NULL
    OR EXISTS (
        SELECT FROM privacy_note note
        WHERE note.request_id = request.id AND note.body IS NOT NULL AND note.at < request.closed_at
    )
)

-- The paper of a mandate is gone once all that was asked with it is closed.
UNION ALL
SELECT 'mandate-destroyed', request.reference
FROM privacy_mandatedocument paper
JOIN privacy_representative representative ON representative.id = paper.representative_id
JOIN privacy_request request ON request.id = representative.request_id
WHERE paper.destroyed_at IS NULL AND NOT EXISTS (
    SELECT FROM privacy_request other
    WHERE (other.id = request.id OR other.lead_id = request.id) AND other.state <> 'closed'
)

ORDER BY rule, about
