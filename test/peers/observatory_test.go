//go:build peers

package peers

import "testing"

// observatory has the unmodified scan() of @mdn/mdn-http-observatory judge the
// program over TLS: 120 at least, and nothing failed.
func observatory(t *testing.T, work string, g gate) {
	for _, row := range []struct{ name, target, accept, kind string }{
		{"the root as an API", host, "application/json", "application/json; charset=utf-8"},
		{"the root as a page", host, "", "text/html; charset=utf-8"},
		{"the page of the first setup", host + "/setup", "", "text/html; charset=utf-8"},
		{"an operation that is no page", host + "/health", "", "application/json; charset=utf-8"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var verdict struct {
				Score  int
				Grade  string
				Status int
				Type   string
				Tests  map[string]struct {
					Result string
					Pass   bool
					Score  int
				}
			}
			node(t, work, "judge.mjs", []string{"NODE_EXTRA_CA_CERTS=" + g.trust}, map[string]any{
				"target": row.target, "accept": row.accept, "ports": map[string]string{"443": g.https, "80": g.http},
			}, &verdict)
			t.Logf("%d (%s)", verdict.Score, verdict.Grade)
			if verdict.Score < 120 || verdict.Status != 200 || verdict.Type != row.kind {
				t.Errorf("score %d for %d %s; want 120 or more for 200 %s", verdict.Score, verdict.Status, verdict.Type, row.kind)
			}
			if n := len(verdict.Tests); n != 10 {
				t.Errorf("the observatory tried %d things; want 10", n)
			}
			for name, r := range verdict.Tests {
				t.Logf("%+4d %s: %s", r.Score, name, r.Result)
				if !r.Pass {
					t.Errorf("%s: %s", name, r.Result)
				}
			}
		})
	}
}
