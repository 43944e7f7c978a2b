"""People who ask, their requests and what is done for them; the policy and the registers it is rendered from."""

from privacy.models.alerts import Alert
from privacy.models.assignment import AssignmentRule
from privacy.models.children import ChildReport
from privacy.models.clock import ClockEvent
from privacy.models.corrections import Correction
from privacy.models.entries import ApiEntry
from privacy.models.handoffs import SpentHandOff
from privacy.models.letters import Letter
from privacy.models.mailroom import Attachment, InboundMail
from privacy.models.messages import Message, Note
from privacy.models.notices import RecipientNotice
from privacy.models.packages import Package
from privacy.models.people import Person
from privacy.models.plans import Plan
from privacy.models.policy import PolicyProposal, PolicyVersion
from privacy.models.preferences import PreferenceLink
from privacy.models.referrals import Referral
from privacy.models.registers import Controller, Recipient, Right
from privacy.models.representatives import MandateDocument, Representative
from privacy.models.requests import Request
from privacy.models.restrictions import Restriction
from privacy.models.steps import Step
from privacy.models.verification import LinkAsk, Verification
from privacy.models.webhooks import WebhookDelivery, WebhookEndpoint

__all__ = [
    "Alert",
    "ApiEntry",
    "AssignmentRule",
    "Attachment",
    "ChildReport",
    "ClockEvent",
    "Controller",
    "Correction",
    "InboundMail",
    "Letter",
    "LinkAsk",
    "MandateDocument",
    "Message",
    "Note",
    "Package",
    "Person",
    "Plan",
    "PolicyProposal",
    "PolicyVersion",
    "PreferenceLink",
    "Recipient",
    "RecipientNotice",
    "Referral",
    "Representative",
    "Request",
    "Restriction",
    "Right",
    "SpentHandOff",
    "Step",
    "Verification",
    "WebhookDelivery",
    "WebhookEndpoint",
]
