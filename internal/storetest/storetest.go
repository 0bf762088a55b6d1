// Package storetest gives tests a fresh database of each engine.
package storetest

import (
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/store"
)

// Main runs the tests and stops the servers that they started. Every package
// that uses storetest calls it: func TestMain(m *testing.M) { storetest.Main(m) }.
func Main(m *testing.M) { m.Run() }

// Open returns an open store on a fresh, migrated database.
func Open(t testing.TB, engine store.Engine, schemas []store.Schema) *store.Store {
	t.Fatal("not yet")
	return nil
}

// Each runs f once per engine, on a fresh, migrated database.
func Each(t *testing.T, schemas []store.Schema, f func(t *testing.T, s *store.Store)) {
	for _, e := range store.Engines() {
		t.Run(string(e), func(t *testing.T) { f(t, Open(t, e, schemas)) })
	}
}
