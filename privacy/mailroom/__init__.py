"""The mailroom: mail comes in, is understood as far as a program can, and ends in a correspondence, as a request, or
before a person.

receive → a row (nothing is lost from here on) · sorting → what it is and where it goes · filing → into a request's
correspondence · triage → what a person decides · poll → the mailbox by IMAP
"""
