-- +goose Up

-- The owner of the tables keeps its way in (migrations, the narrow functions of
-- 00003); the app's role goes through the policies.
-- +goose StatementBegin
DO $$
DECLARE
    app text := current_setting('gatehouse.app_role');
    t   text;
BEGIN
    FOREACH t IN ARRAY ARRAY['members', 'identity_sessions', 'identity_refresh_tokens', 'identity_devices',
                             'identity_keys', 'identity_invites', 'identity_setup_tokens'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO %I', t, app);
    END LOOP;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
DO $$
DECLARE
    app    text := current_setting('gatehouse.app_role');
    actor  text := '(SELECT current_setting(''app.actor'', true))';
    role   text := '(SELECT current_setting(''app.role'', true))';
    chief  text := role || ' IN (''admin'', ''system'')';
    t      text;
BEGIN
    -- A member sees and changes their own row and cannot change its role: the
    -- new row must have the role that the transaction was given.
    EXECUTE format('CREATE POLICY members_read ON members FOR SELECT TO %I USING (id = %s OR %s)', app, actor, chief);
    EXECUTE format('CREATE POLICY members_add ON members FOR INSERT TO %I WITH CHECK ((id = %s AND role = %s) OR %s)', app, actor, role, chief);
    EXECUTE format('CREATE POLICY members_change ON members FOR UPDATE TO %I USING (id = %s OR %s) WITH CHECK ((id = %s AND role = %s) OR %s)',
                   app, actor, chief, actor, role, chief);
    EXECUTE format('CREATE POLICY members_remove ON members FOR DELETE TO %I USING (%s)', app, chief);

    FOREACH t IN ARRAY ARRAY['identity_sessions', 'identity_refresh_tokens', 'identity_devices'] LOOP
        EXECUTE format('CREATE POLICY own ON %I TO %I USING (member_id = %s OR %s) WITH CHECK (member_id = %s OR %s)',
                       t, app, actor, chief, actor, chief);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['identity_invites', 'identity_setup_tokens'] LOOP
        EXECUTE format('CREATE POLICY chief ON %I TO %I USING (%s) WITH CHECK (%s)', t, app, chief, chief);
    END LOOP;
    EXECUTE format('CREATE POLICY house ON identity_keys TO %I USING (%s = ''system'') WITH CHECK (%s = ''system'')', app, role, role);
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP POLICY house ON identity_keys;
DROP POLICY chief ON identity_setup_tokens;
DROP POLICY chief ON identity_invites;
DROP POLICY own ON identity_devices;
DROP POLICY own ON identity_refresh_tokens;
DROP POLICY own ON identity_sessions;
DROP POLICY members_remove ON members;
DROP POLICY members_change ON members;
DROP POLICY members_add ON members;
DROP POLICY members_read ON members;
-- +goose StatementBegin
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['members', 'identity_sessions', 'identity_refresh_tokens', 'identity_devices',
                             'identity_keys', 'identity_invites', 'identity_setup_tokens'] LOOP
        IF current_setting('gatehouse.app_role') <> current_user THEN
            EXECUTE format('REVOKE ALL ON %I FROM %I', t, current_setting('gatehouse.app_role'));
        END IF;
        EXECUTE format('DROP POLICY owner ON %I', t);
        EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', t);
    END LOOP;
END
$$;
-- +goose StatementEnd
