from retention.admin import backups, holds, plans, rules, runs

__all__ = ["backups", "holds", "plans", "rules", "runs"]
