package scheduler

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

func BenchmarkDays(b *testing.B)         { benchmark(b, "GET", "/api/days", "") }
func BenchmarkAppointments(b *testing.B) { benchmark(b, "GET", "/api/appointments", "") }

// BenchmarkBook is one caller after the other: each waits for its own commit.
func BenchmarkBook(b *testing.B) { benchmark(b, "PUT", "/api/appointments/3", lydia) }

// BenchmarkBookTogether is many callers: their commits are shared.
func BenchmarkBookTogether(b *testing.B) {
	g := benchGate(b)
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			g.serveOne(b, "PUT", "/api/appointments/3", lydia)
		}
	})
}

func benchGate(b *testing.B) *gate {
	g := newGate(b, storetest.Open(b, store.SQLite, schemas()), Config{Open: true, Seed: SeedDevelopment})
	b.ReportAllocs()
	return g
}

func benchmark(b *testing.B, method, path, body string) {
	g := benchGate(b)
	for b.Loop() {
		g.serveOne(b, method, path, body)
	}
}

func (g *gate) serveOne(b *testing.B, method, path, body string) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	g.handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK && w.Code != http.StatusNoContent {
		b.Fatalf("%s %s: %d", method, path, w.Code)
	}
}
