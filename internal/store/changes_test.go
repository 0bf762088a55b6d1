package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

// What a revocation relies on: the number moves at once for this process, and
// soon for another.
func TestChangesAreSeenByEveryProcess(t *testing.T) {
	for _, engine := range store.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			ctx := t.Context()
			cfg := storetest.Config(t, engine, schemas)
			one, two := open(t, cfg), open(t, cfg)
			number := func(s *store.Store) uint64 {
				n, ok := s.Changes(ctx)
				if !ok {
					t.Fatal("cannot be trusted")
				}
				return n
			}
			for _, s := range []*store.Store{one, two} {
				eventually(t, "it can be trusted", func() bool { _, ok := s.Changes(ctx); return ok })
			}
			second := number(two)
			if first := number(one); number(one) != first || number(two) != second {
				t.Error("moved without a change")
			}
			for i := range 30 {
				before := number(one)
				if err := one.Write(ctx, ann, &store.Change{Notify: true}, insertNote(ctx, fmt.Sprint("n", i), "ann")); err != nil {
					t.Fatal(err)
				}
				if number(one) == before {
					t.Fatalf("the process that wrote does not see change %d", i)
				}
			}
			if engine == store.SQLite && number(two) == second {
				t.Error("another process does not see it at once")
			}
			eventually(t, "another process sees it", func() bool { return number(two) != second })
		})
	}
}

func TestReadingMovesNothing(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		eventually(t, "it can be trusted", func() bool { _, ok := s.Changes(t.Context()); return ok })
		before, _ := s.Changes(t.Context())
		count(t, s, ann, `SELECT count(*) FROM notes`)
		if after, ok := s.Changes(t.Context()); !ok || after != before {
			t.Errorf("%d, then %d %v", before, after, ok)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if _, ok := s.Changes(t.Context()); ok {
			t.Error("trusted after Close")
		}
	})
}

// Most writes are bookings; they must not pay for a notification.
func TestOnlyNotifyTellsOtherServers(t *testing.T) {
	server := storetest.NewServer(t)
	s := open(t, server.Fresh(t, schemas).Config())
	if err := s.Write(t.Context(), ann, &store.Change{Action: "A"}, insertNote(t.Context(), "a", "ann")); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(server.Log(t), "pg_notify"); n != 0 {
		t.Errorf("%d notifications", n)
	}
	if err := s.Write(t.Context(), ann, &store.Change{Notify: true}, insertNote(t.Context(), "b", "ann")); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(server.Log(t), "pg_notify"); n != 1 {
		t.Errorf("%d notifications", n)
	}
}
