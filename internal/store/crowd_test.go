package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

const (
	fileAll = `INSERT INTO notes (id, owner, folder, size) SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])`
	nameAll = `UPDATE folders SET name = given.name FROM unnest($1::text[], $2::bigint[]) AS given(name, id) WHERE folders.id = given.id`
)

// fileMany is file, which plans of one actor do as one. Its note is owned by
// whom the plan says, be it the actor or not.
func fileMany(folder int64, owner string) store.Plan {
	return about(folder, func(_ string, notes int) ([]store.Statement, error) {
		return []store.Statement{
			{SQL: `INSERT INTO notes (id, owner, folder, size) VALUES ($1, $2, $3, $4)`, Many: fileAll,
				Args: []any{fmt.Sprint("n", nextNote.Add(1)), owner, folder, int64(notes)}},
			{SQL: `UPDATE folders SET name = $1 WHERE id = $2`, Many: nameAll,
				Args: []any{fmt.Sprintf("f%d+%d", folder, notes+1), folder}},
		}, nil
	})
}

// commands is in how many transactions and statements the notes were written.
func commands(t *testing.T, s *store.Store) string {
	t.Helper()
	return fmt.Sprintf("%d in %d",
		count(t, s, admin, `SELECT count(DISTINCT CAST(xmin AS TEXT) || ' ' || CAST(cmin AS TEXT)) FROM notes`),
		count(t, s, admin, `SELECT count(DISTINCT CAST(xmin AS TEXT)) FROM notes`))
}

func TestPlansOfOneActorAreOneStatementEach(t *testing.T) {
	server := storetest.NewServer(t)
	for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec"} {
		t.Run(mode, func(t *testing.T) {
			cfg := server.Fresh(t, schemas).Config()
			cfg.URL += "&default_query_exec_mode=" + mode
			s := open(t, cfg)
			folders(t, s, 21)
			var plans []func() error
			for i := range 20 {
				actor := []store.Actor{ann, bob}[i%2]
				plans = append(plans, func() error { return s.WritePlan(t.Context(), actor, filed(), fileMany(int64(i+2), actor.ID)) })
			}
			if err := errors.Join(together(t, s, plans...)...); err != nil {
				t.Fatal(err)
			}
			if got := commands(t, s); got != "2 in 1" { // one of ann's and one of bob's
				t.Errorf("the notes were written by %s, not by 2 in 1", got)
			}
			for i := range 20 { // each where it belongs, and owned by its actor
				owner := []store.Actor{ann, bob}[i%2].ID
				if n := count(t, s, admin, `SELECT count(*) FROM notes JOIN folders ON folders.id = notes.folder
					WHERE notes.folder = $1 AND notes.owner = $2 AND notes.size = 0 AND folders.name = 'f' || CAST($1 AS TEXT) || '+1'`, i+2, owner); n != 1 {
					t.Errorf("folder %d is not as its plan left it", i+2)
				}
			}
			for _, a := range []store.Actor{ann, bob} {
				if n := count(t, s, admin, `SELECT count(DISTINCT id) FROM audit_entries WHERE action = 'FILE' AND actor = $1 AND role = 'member'`, a.ID); n != 10 {
					t.Errorf("%s has %d audit entries, not 10", a.ID, n)
				}
			}
		})
	}
}

// TestPlansThatDifferAreNotMixed has plans of one actor that do the same, that
// do something else, and that must be done by themselves.
func TestPlansThatDifferAreNotMixed(t *testing.T) {
	s := open(t, storetest.NewServer(t).Fresh(t, schemas).Config())
	folders(t, s, 10)
	only := func(folder int64) store.Plan { // the second statement of fileMany alone
		return about(folder, func(string, int) ([]store.Statement, error) {
			return []store.Statement{{SQL: `UPDATE folders SET name = $1 WHERE id = $2`, Many: nameAll, Args: []any{fmt.Sprint("only", folder), folder}}}, nil
		})
	}
	long := func(folder int64) store.Plan { // more statements than become one
		return about(folder, func(string, int) (steps []store.Statement, _ error) {
			for i := range 7 {
				steps = append(steps, store.Statement{SQL: `UPDATE folders SET name = $1 WHERE id = $2`, Many: nameAll, Args: []any{fmt.Sprintf("f%d-%d", folder, i), folder}})
			}
			return steps, nil
		})
	}
	by := func(p store.Plan, ch *store.Change) func() error {
		return func() error { return s.WritePlan(t.Context(), ann, ch, p) }
	}
	errs := together(t, s,
		by(fileMany(2, ann.ID), filed()), by(only(3), filed()), by(file(4, ann), filed()), by(file(5, ann), filed()),
		by(fileMany(6, ann.ID), filed()), by(only(7), filed()), by(fileMany(8, ann.ID), nil), by(long(9), nil), by(long(10), nil))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if got := commands(t, s); got != "4 in 1" { // 2 with 6, 4, 5, and 8 which is not audited
		t.Errorf("the notes were written by %s, not by 4 in 1", got)
	}
	const want = "f2+1 only3 f4+1 f5+1 f6+1 only7 f8+1 f9-6 f10-6"
	for i, name := range strings.Fields(want) {
		if n := count(t, s, admin, `SELECT count(*) FROM folders WHERE id = $1 AND name = $2`, i+2, name); n != 1 {
			t.Errorf("folder %d is not called %s", i+2, name)
		}
	}
	if n := count(t, s, admin, `SELECT count(*) FROM audit_entries WHERE action = 'FILE'`); n != 6 {
		t.Errorf("%d audit entries, not 6", n)
	}
}

// TestCrowdThatGoesWrongRunsOneByOne has one plan among others that would do the
// same, and cannot.
func TestCrowdThatGoesWrongRunsOneByOne(t *testing.T) {
	stale := func(folder int64) store.Plan { // where it must change a row there is none
		return about(folder, func(string, int) ([]store.Statement, error) {
			p, err := fileMany(folder, ann.ID).Decide(fixed{"", 0})
			p[1].Rows, p[1].Args[1] = 1, int64(99)
			return p, err
		})
	}
	retyped := func(folder int64) store.Plan { // what is no error of the plan is none of its caller
		return about(folder, func(string, int) ([]store.Statement, error) {
			p, err := fileMany(folder, ann.ID).Decide(fixed{"", 0})
			p[0].Args[3] = 7
			return p, err
		})
	}
	short := func(folder int64) store.Plan {
		return about(folder, func(string, int) ([]store.Statement, error) {
			p, err := fileMany(folder, ann.ID).Decide(fixed{"", 0})
			p[0].SQL, p[0].Args = `INSERT INTO notes (id, owner, folder, size) VALUES ($1, $2, $3, 7)`, p[0].Args[:3]
			return p, err
		})
	}
	for _, odd := range []struct {
		name  string
		plan  store.Plan
		told  string // "" when it is done
		notes int
	}{
		{"another's note", fileMany(3, bob.ID), "row-level security", 2},
		{"too few rows", stale(3), "0 rows changed where 1 had to", 2},
		{"an argument of another type", retyped(3), "", 3},
		{"an argument less", short(3), "", 3},
	} {
		t.Run(odd.name, func(t *testing.T) {
			s := open(t, storetest.NewServer(t).Fresh(t, schemas).Config())
			folders(t, s, 4)
			by := func(p store.Plan) func() error {
				return func() error { return s.WritePlan(t.Context(), ann, filed(), p) }
			}
			errs := together(t, s, by(fileMany(2, ann.ID)), by(odd.plan), by(fileMany(4, ann.ID)))
			if errs[0] != nil || errs[2] != nil {
				t.Errorf("the others: %v, %v", errs[0], errs[2])
			}
			if odd.told == "" && errs[1] != nil || odd.told != "" && (errs[1] == nil || !strings.Contains(errs[1].Error(), odd.told)) {
				t.Errorf("the odd one: %v", errs[1])
			}
			if n := count(t, s, admin, `SELECT count(*) FROM notes`); n != odd.notes {
				t.Errorf("%d notes, not %d", n, odd.notes)
			}
			if n := count(t, s, admin, `SELECT count(*) FROM audit_entries WHERE action = 'FILE'`); n != odd.notes {
				t.Errorf("%d audit entries, not %d", n, odd.notes)
			}
		})
	}
}
