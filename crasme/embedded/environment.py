"""The environment variables that point the product at a data folder."""

from pathlib import Path

from crasme.embedded.errors import NotInitialised
from crasme.embedded.postgres import DATABASE, USER
from crasme.embedded.state import DataDir


def initialised(data_dir: Path) -> bool:
    """True when `environment` would answer for this folder. Makes nothing, not even the folder."""
    folder = DataDir(data_dir)
    return (folder.path / "secrets.json").exists() and any(name.endswith("_port") for name in folder.recall())


def environment(data_dir: Path) -> dict[str, str]:
    """The variables of an initialised data folder, for a development start (DEBUG is on). Starts nothing.

    Raises NotInitialised when the folder has not been started yet. Whatever is set in the caller's own environment
    should win over these.
    """
    folder = DataDir(data_dir)
    if not initialised(data_dir):
        raise NotInitialised(
            f"{folder.path} is not set up yet: start once with `make run`, or set DATABASE_URL, BROKER_URL and the "
            "other variables to servers of your own."
        )
    secrets, known = folder.secrets(), folder.recall()
    variables = {
        "DEBUG": "1",
        "DEMO_SIGN_INS": "1",
        "DATA_DIR": str(folder.path),
        "SITE_URL": f"http://localhost:{known.get('web_port', 8000)}",
        "EMAIL_URL": f"smtp://127.0.0.1:{known.get('mail_port', 1025)}",
        "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
        **{
            name: secrets[name]
            for name in ("SECRET_KEY", "FIELD_KEYS", "SUBJECT_KEY", "FLOWER_USER", "FLOWER_PASSWORD")
        },
    }
    if "flower_port" in known:
        variables["FLOWER_URL"] = f"http://localhost:{known['flower_port']}/"
    if "postgres_port" in known:
        variables["DATABASE_URL"] = (
            f"postgresql://{USER}:{secrets['POSTGRES_PASSWORD']}@127.0.0.1:{known['postgres_port']}/{DATABASE}"
        )
    if "valkey_port" in known:
        variables["BROKER_URL"] = f"redis://:{secrets['VALKEY_PASSWORD']}@127.0.0.1:{known['valkey_port']}/0"
    return variables
