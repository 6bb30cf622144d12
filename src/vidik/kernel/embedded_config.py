"""The embedded PostgreSQL's configuration: small in memory, never careless with a commit."""

from __future__ import annotations

from pathlib import Path

# Every figure is for one machine of 2 cores that also runs the rest of the family in under 900 MB.
SETTINGS: dict[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    # memory
    "shared_buffers": "128MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "autovacuum_work_mem": "48MB",
    "effective_cache_size": "1GB",
    "huge_pages": "off",
    "max_worker_processes": "6",
    "max_parallel_workers": "2",
    "max_parallel_workers_per_gather": "1",
    "io_workers": "2",
    # what a commit means: never looser than this
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # write-ahead log: few checkpoints. Its pages are not compressed: this build has pglz alone, which takes longer over
    # a page (27 µs) than everything else that is done to the entity on it.
    "wal_compression": "off",
    "wal_buffers": "16MB",
    "max_wal_size": "4GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    # planner: solid-state disk, short queries
    "jit": "off",
    "random_page_cost": "1.1",
    "default_statistics_target": "100",
    # append-only partitions need vacuum for their visibility map, not for bloat
    "autovacuum_max_workers": "2",
    "autovacuum_naptime": "30s",
    "autovacuum_vacuum_insert_scale_factor": "0.4",
    # a forgotten transaction would hold back the change stream
    "idle_in_transaction_session_timeout": "5min",
    "tcp_keepalives_idle": "60",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "datestyle": "iso, ymd",
    "log_min_messages": "warning",
    "log_min_duration_statement": "5s",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %a ",
    # The family's own heartbeat is what tells whether the server works.
    "cluster_name": "vidik",
}

ROTATING_LOG: dict[str, str] = {
    "logging_collector": "on",
    "log_filename": "postgresql-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
}

THROWAWAY: dict[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "autovacuum_naptime": "60s",
    "log_min_duration_statement": "-1",
}


def render(*, socket_folder: Path, log_folder: Path, operator_file: Path, durable: bool) -> str:
    """The text of the configuration file; the operator's own file, when it exists, has the last word."""
    settings = dict(SETTINGS)
    settings["unix_socket_directories"] = str(socket_folder)
    if durable:
        settings.update(ROTATING_LOG)
        settings["log_directory"] = str(log_folder)
    else:
        settings.update(THROWAWAY)
    lines = ["# Written by Vidik at every start. Put your own settings into the file named at the end."]
    lines += [f"{name} = {_quoted(value)}" for name, value in settings.items()]
    lines.append(f"include_if_exists = {_quoted(str(operator_file))}")
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
