from retention.admin import backups, holds, rules, runs

__all__ = ["backups", "holds", "rules", "runs"]
