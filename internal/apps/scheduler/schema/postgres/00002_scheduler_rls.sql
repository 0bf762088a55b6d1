-- +goose Up

-- What is public is granted; what is private goes through policies. The owner of
-- the tables keeps its way in, for migrations.
-- +goose StatementBegin
DO $$
DECLARE
    app text := current_setting('gatehouse.app_role');
    t   text;
BEGIN
    FOREACH t IN ARRAY ARRAY['days', 'appointments', 'interviewers', 'available_interviewers', 'interviews', 'interview_names'] LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO %I', t, app);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['interviews', 'interview_names'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
    END LOOP;
END
$$;
-- +goose StatementEnd

-- Guests have no id of their own, so the empty one is nobody's.
-- +goose StatementBegin
DO $$
DECLARE
    app    text := current_setting('gatehouse.app_role');
    role   text := '(SELECT current_setting(''app.role'', true))';
    own    text := '(booked_by <> '''' AND booked_by = (SELECT current_setting(''app.actor'', true)))';
    change text := own || ' OR (booked_by = '''' AND ' || role || ' = ''open'') OR ' || role || ' IN (''manager'', ''admin'', ''system'')';
    t      text;
BEGIN
    EXECUTE format('CREATE POLICY read ON interviews FOR SELECT TO %I USING (true)', app);
    EXECUTE format('CREATE POLICY read ON interview_names FOR SELECT TO %I USING (%s OR %s IN (''counsellor'', ''manager'', ''admin'', ''open'', ''system''))',
                   app, own, role);
    FOREACH t IN ARRAY ARRAY['interviews', 'interview_names'] LOOP
        EXECUTE format('CREATE POLICY book ON %I FOR INSERT TO %I WITH CHECK (%s)', t, app, change);
        EXECUTE format('CREATE POLICY change ON %I FOR UPDATE TO %I USING (%s) WITH CHECK (%s)', t, app, change, change);
        EXECUTE format('CREATE POLICY cancel ON %I FOR DELETE TO %I USING (%s)', t, app, change);
    END LOOP;
END
$$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
DECLARE
    app text := current_setting('gatehouse.app_role');
    t   text;
BEGIN
    FOREACH t IN ARRAY ARRAY['interviews', 'interview_names'] LOOP
        EXECUTE format('DROP POLICY cancel ON %I', t);
        EXECUTE format('DROP POLICY change ON %I', t);
        EXECUTE format('DROP POLICY book ON %I', t);
        EXECUTE format('DROP POLICY read ON %I', t);
        EXECUTE format('DROP POLICY owner ON %I', t);
        EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['days', 'appointments', 'interviewers', 'available_interviewers', 'interviews', 'interview_names'] LOOP
        EXECUTE format('REVOKE ALL ON %I FROM %I', t, app);
    END LOOP;
END
$$;
-- +goose StatementEnd
