package store_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

// go test -run '^$' -bench . -benchmem ./internal/store
//
// PostgreSQL runs with fsync off here, so its writes show the cost of the
// round trips, not of its disk; SQLite's are durable.

func eachEngine(b *testing.B, f func(b *testing.B, s *store.Store)) {
	for _, engine := range store.Engines() {
		b.Run(string(engine), func(b *testing.B) {
			s := storetest.Open(b, engine, schemas)
			b.ReportAllocs()
			b.ResetTimer()
			f(b, s)
		})
	}
}

// BenchmarkBooking is the hot path: one upsert and its audit entry.
func BenchmarkBooking(b *testing.B) {
	const book = `INSERT INTO notes (id, owner, size) VALUES ($1, $2, 1)
		ON CONFLICT (id) DO UPDATE SET size = notes.size + 1 RETURNING size`
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			eachEngine(b, func(b *testing.B, s *store.Store) {
				var n atomic.Int64
				b.SetParallelism((writers + 1) / 2) // times GOMAXPROCS
				work := func() {
					id := fmt.Sprint("n", n.Add(1)%1000)
					ch := &store.Change{Action: "BOOK", Resource: id, Isolation: store.ReadCommitted}
					err := s.Write(b.Context(), ann, ch, func(tx *store.Tx) error {
						var size int64
						return tx.QueryRow(b.Context(), book, id, ann.ID).Scan(&size)
					})
					if err != nil {
						b.Error(err)
					}
				}
				if writers == 1 {
					for b.Loop() {
						work()
					}
					return
				}
				b.RunParallel(func(p *testing.PB) {
					for p.Next() {
						work()
					}
				})
			})
		})
	}
}

// BenchmarkPlan is what BenchmarkBooking does, as a plan about a row of its own.
func BenchmarkPlan(b *testing.B) {
	eachEngine(b, func(b *testing.B, s *store.Store) {
		err := s.Write(b.Context(), admin, nil, func(tx *store.Tx) error {
			for i := range 1000 {
				if _, err := tx.Exec(b.Context(), `INSERT INTO folders (id, name) VALUES ($1, $2)`, i, fmt.Sprint("f", i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		var n atomic.Int64
		b.SetParallelism(32)
		b.ResetTimer()
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				id := n.Add(1) % 1000
				plan := store.Plan{
					Table: "folders", ID: id,
					Look: store.Statement{SQL: `SELECT name FROM folders WHERE id = $1`, Args: []any{id}},
					Decide: func(row store.Row) ([]store.Statement, error) {
						var name string
						if err := row.Scan(&name); err != nil {
							return nil, err
						}
						return []store.Statement{{SQL: `INSERT INTO notes (id, owner, size) VALUES ($1, $2, 1)
							ON CONFLICT (id) DO UPDATE SET size = notes.size + 1`, Args: []any{name, ann.ID}}}, nil
					},
				}
				if err := s.WritePlan(b.Context(), ann, &store.Change{Action: "BOOK", Resource: "f"}, plan); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// BenchmarkReadRow reads one row by its key.
func BenchmarkReadRow(b *testing.B) {
	eachEngine(b, func(b *testing.B, s *store.Store) {
		ctx := b.Context()
		if err := s.Write(ctx, ann, nil, insertNote(ctx, "a", "ann")); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			err := s.Read(ctx, ann, func(tx *store.Tx) error {
				var size int64
				return tx.QueryRow(ctx, `SELECT size FROM notes WHERE id = $1`, "a").Scan(&size)
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkChanges is what a cache asks on every request.
func BenchmarkChanges(b *testing.B) {
	eachEngine(b, func(b *testing.B, s *store.Store) {
		for b.Loop() {
			s.Changes(b.Context())
		}
	})
}
