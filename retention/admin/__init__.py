from retention.admin import backups, holds, panel, plans, rules, runs

__all__ = ["backups", "holds", "panel", "plans", "rules", "runs"]
