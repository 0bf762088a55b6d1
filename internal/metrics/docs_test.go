package metrics

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/observe"
)

// TestPageListsEveryMetric compares the table of the page with what is scraped.
func TestPageListsEveryMetric(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "reference", "metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "<!-- metrics -->\n")
	listed, _, ended := strings.Cut(rest, "<!-- end -->")
	if !ended {
		t.Fatal("the page has no table of metrics")
	}
	m := New(Config{Version: "1", Commit: "c", Certificates: true})
	m.Refused(netip.Addr{}, "a folded line")
	m.Closed("connections")
	for _, rec := range []observe.Record{
		{Method: "GET", Status: 429, Verdict: "limit", Rule: "own", Code: "RATE_LIMITED"},
		{Method: "GET", Status: 401, Verdict: "authn", Code: "NO_TOKEN"},
		{Method: "GET", Status: 200, Verdict: "served", Slow: true, Duration: time.Second},
	} {
		m.Observe(rec)
	}
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("| Name | Kind | Labels | What it counts |\n|---|---|---|---|\n")
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "go_") || strings.HasPrefix(f.GetName(), "process_") {
			continue
		}
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, "`"+l.GetName()+"`")
		}
		slices.Sort(labels)
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.GetName(), strings.ToLower(f.GetType().String()), strings.Join(labels, ", "), f.GetHelp())
	}
	if listed != b.String() {
		t.Errorf("the page lists\n%s\nthe program has\n%s", listed, b.String())
	}
}
