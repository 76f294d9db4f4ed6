-- Who may use the editor's desk. No password stands here before its owner set one by a link.
CREATE TABLE admin (
    id BLOB PRIMARY KEY,
    address TEXT NOT NULL,
    -- The address without differences of case: one account each.
    address_key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    language TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    -- Argon2id, as a PHC string.
    password TEXT,
    -- The key of the second factor (RFC 6238), sealed with the key file.
    second BLOB,
    -- The newest step of a code that was taken: each is good once.
    second_step INTEGER NOT NULL DEFAULT 0,
    since TEXT NOT NULL,
    -- Since when the account may do nothing any more.
    ended_at TEXT
) STRICT, WITHOUT ROWID;

-- Codes for who lost their second factor, each good once; SHA-256 of them.
CREATE TABLE admin_code (
    code_hash BLOB PRIMARY KEY,
    admin_id BLOB NOT NULL REFERENCES admin (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX admin_code_admin ON admin_code (admin_id);

-- Links by which a password is set, each good once. The link itself is made with the key file.
CREATE TABLE admin_link (
    id BLOB PRIMARY KEY,
    admin_id BLOB NOT NULL REFERENCES admin (id),
    until TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX admin_link_admin ON admin_link (admin_id);

-- Who is signed in; SHA-256 of the cookie.
CREATE TABLE desk_session (
    token_hash BLOB PRIMARY KEY,
    admin_id BLOB NOT NULL REFERENCES admin (id),
    since TEXT NOT NULL,
    -- When it was used last, to within some minutes.
    seen_at TEXT NOT NULL,
    -- When its owner last proved who they are.
    proved_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX desk_session_admin ON desk_session (admin_id);

-- Append-only: who did what. Each line's code covers it and the code before; made with the key file, so that nobody
-- who can only write to the database makes one.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    deed TEXT NOT NULL,
    -- A month, or the name of an account; never a reader.
    subject TEXT NOT NULL,
    count INTEGER NOT NULL,
    code BLOB NOT NULL
) STRICT;
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit is append-only');
END;
CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit is append-only');
END;
-- The newest line, so that a record whose end was cut off shows; one row, which also keeps writers in line.
CREATE TABLE audit_end (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    lines INTEGER NOT NULL,
    code BLOB NOT NULL
) STRICT;
INSERT INTO audit_end (one, lines, code) VALUES (1, 0, x'');
