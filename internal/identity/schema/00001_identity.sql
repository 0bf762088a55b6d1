-- +goose Up
CREATE TABLE members (
    id                  TEXT   PRIMARY KEY,
    username            TEXT   NOT NULL,
    username_key        TEXT   NOT NULL UNIQUE,
    email               TEXT   NOT NULL UNIQUE,
    role                TEXT   NOT NULL CHECK (role IN ('admin', 'manager', 'counsellor', 'member')),
    status              TEXT   NOT NULL CHECK (status IN ('active', 'suspended')),
    password_hash       TEXT   NOT NULL,
    password_changed_at BIGINT NOT NULL,
    last_login_at       BIGINT,
    created_at          BIGINT NOT NULL,
    updated_at          BIGINT NOT NULL
);
CREATE INDEX members_role ON members (role, status);

-- One row for each cookie and for each family of bearer tokens.
CREATE TABLE identity_sessions (
    id           TEXT   PRIMARY KEY,
    member_id    TEXT   NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    kind         TEXT   NOT NULL CHECK (kind IN ('cookie', 'bearer')),
    token_hash   TEXT   UNIQUE,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    idle_until   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    ended_at     BIGINT
);
CREATE INDEX identity_sessions_member ON identity_sessions (member_id);
CREATE INDEX identity_sessions_expires ON identity_sessions (expires_at);

CREATE TABLE identity_refresh_tokens (
    token_hash TEXT   PRIMARY KEY,
    session_id TEXT   NOT NULL REFERENCES identity_sessions (id) ON DELETE CASCADE,
    member_id  TEXT   NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    issued_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX identity_refresh_tokens_session ON identity_refresh_tokens (session_id);
CREATE INDEX identity_refresh_tokens_member ON identity_refresh_tokens (member_id);
CREATE INDEX identity_refresh_tokens_expires ON identity_refresh_tokens (expires_at);

-- Addresses from which a member has signed in, as keyed hashes.
CREATE TABLE identity_devices (
    member_id     TEXT   NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    address_hash  TEXT   NOT NULL,
    first_seen_at BIGINT NOT NULL,
    last_seen_at  BIGINT NOT NULL,
    PRIMARY KEY (member_id, address_hash)
);

CREATE TABLE identity_keys (
    id             TEXT   PRIMARY KEY,
    algorithm      TEXT   NOT NULL CHECK (algorithm IN ('EdDSA', 'ES256')),
    public_key     TEXT   NOT NULL,
    sealed         TEXT   NOT NULL,
    created_at     BIGINT NOT NULL,
    signs_until    BIGINT NOT NULL,
    verifies_until BIGINT NOT NULL
);

CREATE TABLE identity_invites (
    token_hash TEXT   PRIMARY KEY,
    email      TEXT   NOT NULL,
    role       TEXT   NOT NULL CHECK (role IN ('admin', 'manager', 'counsellor', 'member')),
    created_by TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT,
    used_by    TEXT
);

CREATE TABLE identity_setup_tokens (
    token_hash TEXT   PRIMARY KEY,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);

-- +goose Down
DROP TABLE identity_setup_tokens;
DROP TABLE identity_invites;
DROP TABLE identity_keys;
DROP TABLE identity_devices;
DROP TABLE identity_refresh_tokens;
DROP TABLE identity_sessions;
DROP TABLE members;
