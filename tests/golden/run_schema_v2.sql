PRAGMA application_id = 1263751758;
CREATE TABLE "events"(
  sequence INTEGER PRIMARY KEY,
  unix_ms INTEGER NOT NULL,
  elapsed_s REAL NOT NULL,
  kind TEXT NOT NULL,
  body ANY NOT NULL
) STRICT;
CREATE TABLE meta(
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE results(
  key TEXT PRIMARY KEY,
  json TEXT NOT NULL
) STRICT;
CREATE TABLE "sources"(
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL,
  zstd BLOB NOT NULL,
  raw_bytes INTEGER NOT NULL
) STRICT;
CREATE INDEX sources_by_hash ON sources(substr(hash, 1, 12));
