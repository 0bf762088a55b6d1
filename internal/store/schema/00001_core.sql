-- +goose Up
-- Numbers given out by Tx.NextID.
CREATE TABLE counters (
	name  TEXT PRIMARY KEY,
	value BIGINT NOT NULL
);

-- Facts about this database itself.
CREATE TABLE meta (
	name  TEXT PRIMARY KEY,
	value TEXT NOT NULL
);

-- Who changed what, written with the change. prev and hash are for the seal,
-- which one writer puts on afterwards.
CREATE TABLE audit_entries (
	id         TEXT PRIMARY KEY,
	at         BIGINT NOT NULL,
	actor      TEXT NOT NULL,
	role       TEXT NOT NULL,
	action     TEXT NOT NULL,
	resource   TEXT NOT NULL,
	outcome    TEXT NOT NULL,
	request_id TEXT NOT NULL,
	details    TEXT NOT NULL,
	prev       TEXT,
	hash       TEXT
);

-- Answers to be given again to a request that is sent again.
CREATE TABLE idempotency (
	actor       TEXT NOT NULL,
	scope       TEXT NOT NULL,
	key         TEXT NOT NULL,
	fingerprint TEXT NOT NULL,
	status      INTEGER NOT NULL,
	header      TEXT NOT NULL,
	body        BYTEA NOT NULL,
	created_at  BIGINT NOT NULL,
	PRIMARY KEY (actor, scope, key)
);

CREATE INDEX idempotency_created_at ON idempotency (created_at);

-- +goose Down
DROP TABLE idempotency;
DROP TABLE audit_entries;
DROP TABLE meta;
DROP TABLE counters;
