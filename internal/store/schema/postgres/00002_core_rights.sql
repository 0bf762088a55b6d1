-- +goose Up
ALTER TABLE audit_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_entries FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_entries_owner ON audit_entries TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY audit_entries_write ON audit_entries FOR INSERT
	WITH CHECK (actor = current_setting('app.actor', true) AND role = current_setting('app.role', true));
CREATE POLICY audit_entries_read ON audit_entries FOR SELECT
	USING (current_setting('app.role', true) = 'admin');

ALTER TABLE idempotency ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency FORCE ROW LEVEL SECURITY;
CREATE POLICY idempotency_owner ON idempotency TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY idempotency_own ON idempotency
	USING (actor = current_setting('app.actor', true))
	WITH CHECK (actor = current_setting('app.actor', true));
CREATE POLICY idempotency_system_read ON idempotency FOR SELECT
	USING (current_setting('app.role', true) = 'system');
CREATE POLICY idempotency_purge ON idempotency FOR DELETE
	USING (current_setting('app.role', true) = 'system');

-- +goose StatementBegin
DO $$
DECLARE app text := current_setting('gatehouse.app_role');
BEGIN
	EXECUTE format('GRANT SELECT, INSERT, UPDATE ON counters, meta TO %I', app);
	EXECUTE format('GRANT SELECT, INSERT ON audit_entries TO %I', app);
	EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency TO %I', app);
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
DECLARE app text := current_setting('gatehouse.app_role');
BEGIN
	IF app <> current_user THEN
		EXECUTE format('REVOKE ALL ON counters, meta, audit_entries, idempotency FROM %I', app);
	END IF;
END $$;
-- +goose StatementEnd
DROP POLICY idempotency_purge ON idempotency;
DROP POLICY idempotency_system_read ON idempotency;
DROP POLICY idempotency_own ON idempotency;
DROP POLICY idempotency_owner ON idempotency;
ALTER TABLE idempotency NO FORCE ROW LEVEL SECURITY;
ALTER TABLE idempotency DISABLE ROW LEVEL SECURITY;
DROP POLICY audit_entries_read ON audit_entries;
DROP POLICY audit_entries_write ON audit_entries;
DROP POLICY audit_entries_owner ON audit_entries;
ALTER TABLE audit_entries NO FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_entries DISABLE ROW LEVEL SECURITY;
