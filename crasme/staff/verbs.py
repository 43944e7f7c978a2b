from crasme.ledger.registry import register

API_KEY_MADE = register("staff.api_key_made", "A machine got a key.", facts=("key", "scopes", "expires_at"))
API_KEY_REVOKED = register("staff.api_key_revoked", "A machine's key was revoked.", facts=("key",))
ROLES_CHANGED = register("staff.roles_changed", "Somebody's roles changed.", facts=("user", "roles"))
SECOND_FACTOR_RESET = register("staff.second_factor_reset", "A lost second factor was taken away.", facts=("user",))
