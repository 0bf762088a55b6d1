package identity

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

// privateTables are those with rows of one member, by the column that says whose.
var privateTables = map[string]string{
	"members": "id", "identity_sessions": "member_id", "identity_refresh_tokens": "member_id", "identity_devices": "member_id",
}

// onPostgres runs f with two members who have signed in, as the role with which
// serve connects.
func onPostgres(t *testing.T, f func(t *testing.T, w *world, lydia, archie Member)) {
	t.Helper()
	s := storetest.Open(t, store.Postgres, []store.Schema{Schema()})
	roles, err := s.CheckRoles(t.Context())
	if err != nil || roles.Same || roles.Owns || roles.Superuser || roles.BypassRLS {
		t.Fatalf("the role of serve is %+v, %v: it would prove nothing", roles, err)
	}
	w := newWorld(t, s, nil)
	lydia, archie := w.member(t, "lydia", Ordinary), w.member(t, "archie", Ordinary)
	w.login(t, "lydia", false)
	w.login(t, "archie", false)
	if _, _, err := w.CreateInvite(t.Context(), Operator(), Invitation{}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.CreateSetupToken(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	f(t, w, lydia, archie)
}

func TestQueriesWithoutWhereShowOwnRowsOnly(t *testing.T) {
	onPostgres(t, func(t *testing.T, w *world, lydia, archie Member) {
		for table, owner := range privateTables {
			q := fmt.Sprintf("SELECT %s FROM %s ORDER BY 1", owner, table)
			for _, row := range []struct {
				name  string
				actor store.Actor
				want  []string
			}{
				{"a member", store.Actor{ID: lydia.ID, Role: "member"}, []string{lydia.ID}},
				{"a manager", store.Actor{ID: lydia.ID, Role: "manager"}, []string{lydia.ID}},
				{"a guest", store.Actor{Role: "guest"}, nil},
				{"a member without an id", store.Actor{Role: "member"}, nil},
				{"nobody", store.Actor{}, nil},
				{"an admin", store.Actor{ID: "x", Role: "admin"}, []string{lydia.ID, archie.ID}},
			} {
				if got := column(t, w.store, row.actor, q); !slices.Equal(got, row.want) {
					t.Errorf("%s sees in %s the rows of %v, not %v", row.name, table, got, row.want)
				}
			}
		}
		for _, table := range []string{"identity_keys", "identity_invites", "identity_setup_tokens"} {
			q := "SELECT count(*) FROM " + table
			for _, actor := range []store.Actor{{ID: lydia.ID, Role: "member"}, {ID: lydia.ID, Role: "manager"}, {Role: "guest"}, {}} {
				if n := read[int64](t, w.store, actor, q); n != 0 {
					t.Errorf("%s sees %d rows of %s", actor.Role, n, table)
				}
			}
			if n := read[int64](t, w.store, store.System(), q); n == 0 {
				t.Errorf("%s is empty: nothing is proved", table)
			}
		}
		if n := read[int64](t, w.store, store.Actor{ID: "x", Role: "admin"}, "SELECT count(*) FROM identity_keys"); n != 0 {
			t.Error("an admin's query reads signing keys")
		}
	})
}

func TestChangesReachOwnRowsOnly(t *testing.T) {
	onPostgres(t, func(t *testing.T, w *world, lydia, archie Member) {
		me := store.Actor{ID: lydia.ID, Role: "member"}
		exec := func(q string, args ...any) (n int64, err error) {
			err = w.store.Write(t.Context(), me, nil, func(tx *store.Tx) error {
				n, err = tx.Exec(t.Context(), q, args...)
				return err
			})
			return n, err
		}
		for table := range privateTables {
			column := map[string]string{"members": "created_at", "identity_sessions": "created_at",
				"identity_refresh_tokens": "issued_at", "identity_devices": "first_seen_at"}[table]
			if n, err := exec(fmt.Sprintf("UPDATE %s SET %s = 1", table, column)); err != nil || n != 1 {
				t.Errorf("an UPDATE of %s without WHERE changes %d rows, %v", table, n, err)
			}
		}
		for name, q := range map[string]string{
			"own role":          `UPDATE members SET role = 'admin'`,
			"row of another":    `UPDATE identity_devices SET member_id = '` + archie.ID + `'`,
			"session of others": `INSERT INTO identity_sessions VALUES ('s', '` + archie.ID + `', 'cookie', 'h', 1, 1, 1, 1)`,
			"key":               `INSERT INTO identity_keys VALUES ('k', 'EdDSA', 'p', 's', 1, 1, 1)`,
			"invitation":        `INSERT INTO identity_invites VALUES ('h', '', 'admin', 'x', 1, 1)`,
			"setup token":       `INSERT INTO identity_setup_tokens VALUES ('h', 1, 1)`,
			"member of a role":  `INSERT INTO members VALUES ('` + lydia.ID + `x', 'u', 'u', 'e', 'admin', 'active', 'h', 1, 1, 1, 1)`,
		} {
			if _, err := exec(q); err == nil {
				t.Errorf("a member writes: %s", name)
			}
		}
		if n, err := exec(`DELETE FROM members`); err != nil || n != 0 {
			t.Errorf("a DELETE without WHERE removes %d members, %v", n, err)
		}
	})
}

// A schema of the caller's own must not slip its tables under a function that
// runs as the owner.
func TestDoorsLookUpNamesInTheirOwnSchema(t *testing.T) {
	onPostgres(t, func(t *testing.T, w *world, _, _ Member) {
		bad := column(t, w.store, store.System(), `SELECT p.proname FROM pg_proc p
			WHERE p.proname LIKE 'identity\_%' AND p.prosecdef
			AND NOT EXISTS (SELECT 1 FROM unnest(p.proconfig) c WHERE c LIKE 'search_path=%pg_temp')`)
		all := column(t, w.store, store.System(), `SELECT proname FROM pg_proc WHERE proname LIKE 'identity\_%' AND prosecdef`)
		if len(bad) != 0 || len(all) != 8 {
			t.Errorf("%v of %v have no search_path of their own", bad, all)
		}
		open := column(t, w.store, store.System(), `SELECT p.proname FROM pg_proc p, aclexplode(p.proacl) a
			WHERE p.proname LIKE 'identity\_%' AND a.grantee = 0`)
		if len(open) != 0 {
			t.Errorf("everybody may call %v", open)
		}
	})
}
