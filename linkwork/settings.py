"""Settings and the places below `LINKWORK_HOME` (one name for each place, used everywhere).

Values come from the environment (`LINKWORK_…`), else from `linkwork.toml` in the working directory.
"""

from pathlib import Path
from typing import Literal

from pydantic import ByteSize, Field
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from linkwork.errors import UsageError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
FILE = Path("linkwork.toml")


class Settings(BaseSettings):
    """What one installation is configured with. Paths may be relative to the working directory."""

    model_config = SettingsConfigDict(env_prefix="LINKWORK_", toml_file=FILE, extra="forbid")

    home: Path = Path("data")
    landing: Path | None = None  # a folder given here is read only: its files are never moved
    contracts_dir: Path = PROJECT_ROOT / "ingestion" / "contracts"
    keys_dir: Path = Path(".keys")
    pseudonym_key_file: Path | None = None
    id_key_file: Path | None = None
    zone1_key_file: Path | None = None
    test_numbers: Literal["allow", "quarantine"] = "quarantine"
    disclosure_policy: str = "nhs-hes"
    raw_retention_days: int = Field(default=90, ge=0, le=36_500)  # how long received files are kept, encrypted
    memory_limit: str = "4GB"
    threads: int = 2
    lock_timeout_seconds: float = 30.0
    worker_memory: ByteSize = "3GiB"  # type: ignore[assignment]  # of one process that reads files
    worker_seconds: int = 60  # of processor time for a file, to which its size adds
    unpacked_limit: ByteSize = "8GiB"  # type: ignore[assignment]  # of one received file, unpacked
    unpacked_ratio: int = 200
    landing_settle_seconds: float = 0.0
    landing_marker: str | None = (
        None  # such as .done: a file is taken once one of its name and this suffix lies beside it
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _from_file(settings_cls)

    def model_post_init(self, _context: object) -> None:
        self.home = self.home.absolute()
        self.keys_dir = self.keys_dir.absolute()
        if self.landing is not None:
            self.landing = self.landing.absolute()

    # --- zone 1: identifiable -------------------------------------------------------------------
    @property
    def landing_dir(self) -> Path:
        return self.landing or self.home / "landing"

    @property
    def landing_is_read_only(self) -> bool:
        return self.landing is not None

    @property
    def raw_dir(self) -> Path:
        return self.home / "restricted" / "raw"

    @property
    def quarantine_raw_dir(self) -> Path:
        return self.home / "restricted" / "quarantine"

    @property
    def plain_dir(self) -> Path:
        """Where received files lie in plain text while they are read, and what the gate cannot hold of them."""
        return self.home / "restricted" / "spill"

    # --- zone 2: pseudonymised ------------------------------------------------------------------
    @property
    def staging_dir(self) -> Path:
        return self.home / "staging"

    @property
    def spill_dir(self) -> Path:
        """Where DuckDB puts what memory cannot hold."""
        return self.staging_dir / ".spill"

    @property
    def log_dir(self) -> Path:
        return self.home / "log"

    @property
    def reference_dir(self) -> Path:
        return self.home / "reference"

    @property
    def warehouse_file(self) -> Path:
        return self.home / "warehouse" / "warehouse.duckdb"

    @property
    def quality_dir(self) -> Path:
        return self.home / "quality"

    @property
    def airflow_dir(self) -> Path:
        return self.home / "airflow"

    @property
    def releases_dir(self) -> Path:
        return self.home / "releases"


def _from_file(settings_cls: type[BaseSettings]) -> TomlConfigSettingsSource:
    """Raises UsageError where the file cannot be read, or is no TOML."""
    try:
        return TomlConfigSettingsSource(settings_cls)
    except (OSError, ValueError) as error:
        why = (error.strerror or "") if isinstance(error, OSError) else str(error)
        raise UsageError(f"{FILE} cannot be read", where=str(FILE.absolute()), why=why) from None
