"""The journal: where it is kept (a local file, or an object in S3), and the lease under which it is written."""

from reconciler.edge.state.local import LocalStore
from reconciler.edge.state.reader import JournalReader
from reconciler.edge.state.s3 import S3Store, parse
from reconciler.edge.state.store import ReadOnly, Store
from reconciler.edge.state.writer import Author, JournalWriter

__all__ = ["Author", "JournalReader", "JournalWriter", "LocalStore", "ReadOnly", "S3Store", "Store", "parse"]
