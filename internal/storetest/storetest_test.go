package storetest

import (
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/store"
)

func TestMain(m *testing.M) { Main(m) }

func TestEachOpens(t *testing.T) {
	Each(t, nil, func(t *testing.T, s *store.Store) {
		var n int64
		err := s.Write(t.Context(), store.System(), nil, func(tx *store.Tx) (err error) {
			n, err = tx.NextID(t.Context(), "days")
			return err
		})
		if err != nil || n != 1 {
			t.Fatal(n, err)
		}
	})
}

func TestCoreRollsBack(t *testing.T) { Rollback(t, nil) }
