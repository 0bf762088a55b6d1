-- What identity must read before it knows who asks. Each function answers one
-- question for one secret or one address; none of them lists anything. They run
-- as the owner of the tables.

-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION identity_login(p_email text, p_address text)
RETURNS TABLE (id text, username text, email text, role text, status text, created_at bigint, password_hash text, known boolean)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT m.id, m.username, m.email, m.role, m.status, m.created_at, m.password_hash,
           EXISTS (SELECT 1 FROM identity_devices d WHERE d.member_id = m.id AND d.address_hash = p_address)
    FROM members m WHERE m.email = p_email
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION identity_cookie(p_hash text)
RETURNS TABLE (id text, member_id text, kind text, last_used_at bigint, idle_until bigint, expires_at bigint, ended_at bigint,
               username text, email text, role text, status text)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT s.id, s.member_id, s.kind, s.last_used_at, s.idle_until, s.expires_at, s.ended_at, m.username, m.email, m.role, m.status
    FROM identity_sessions s JOIN members m ON m.id = s.member_id
    WHERE s.token_hash = p_hash
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION identity_refresh(p_hash text)
RETURNS TABLE (session_id text, member_id text, role text)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT t.session_id, t.member_id, m.role
    FROM identity_refresh_tokens t JOIN members m ON m.id = t.member_id
    WHERE t.token_hash = p_hash
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION identity_invite(p_hash text, p_now bigint)
RETURNS TABLE (email text, role text)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT i.email, i.role FROM identity_invites i
    WHERE i.token_hash = p_hash AND i.used_at IS NULL AND i.expires_at > p_now
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION identity_claim_invite(p_hash text, p_now bigint, p_member text)
RETURNS TABLE (token_hash text)
LANGUAGE sql VOLATILE SECURITY DEFINER AS $$
    UPDATE identity_invites AS i SET used_at = p_now, used_by = p_member
    WHERE i.token_hash = p_hash AND i.used_at IS NULL AND i.expires_at > p_now
    RETURNING i.token_hash
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION identity_setup(p_hash text, p_now bigint)
RETURNS TABLE (token_hash text)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT t.token_hash FROM identity_setup_tokens t
    WHERE t.token_hash = p_hash AND t.used_at IS NULL AND t.expires_at > p_now
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION identity_admins()
RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT count(*) FROM members m WHERE m.role = 'admin' AND m.status = 'active'
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION identity_bcrypt_cost()
RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT COALESCE(max(CAST(substr(m.password_hash, 5, 2) AS bigint)), 0) FROM members m WHERE m.password_hash LIKE '$2%'
$$;
-- +goose StatementEnd

-- A function of the owner must not look a name up where the caller can put one.
-- +goose StatementBegin
DO $$
DECLARE
    app text := current_setting('gatehouse.app_role');
    f   text;
BEGIN
    FOREACH f IN ARRAY ARRAY['identity_login(text, text)', 'identity_cookie(text)', 'identity_refresh(text)',
                             'identity_invite(text, bigint)', 'identity_claim_invite(text, bigint, text)',
                             'identity_setup(text, bigint)', 'identity_admins()', 'identity_bcrypt_cost()'] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', f, current_schema());
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', f, app);
    END LOOP;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION identity_bcrypt_cost();
DROP FUNCTION identity_admins();
DROP FUNCTION identity_setup(text, bigint);
DROP FUNCTION identity_claim_invite(text, bigint, text);
DROP FUNCTION identity_invite(text, bigint);
DROP FUNCTION identity_refresh(text);
DROP FUNCTION identity_cookie(text);
DROP FUNCTION identity_login(text, text);
