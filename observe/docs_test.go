package observe_test

import (
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/observe"
	"github.com/gatehouse-api/gatehouse/problem"
)

// TestPageListsEveryField compares the page with the fields of records that have
// all of them. A field that is new must be looked at: the list is closed.
func TestPageListsEveryField(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "reference", "logs.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "<!-- fields -->\n")
	table, _, ended := strings.Cut(rest, "<!-- end -->")
	if !ended {
		t.Fatal("the page has no table of fields")
	}
	var listed []string
	for line := range strings.Lines(table) {
		names, _, _ := strings.Cut(strings.TrimPrefix(line, "|"), "|")
		for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(names, -1) {
			listed = append(listed, m[1])
		}
	}
	r := newRig(t)
	r.table = tableOf(t)
	r.modes = call.Modes{call.AnyAPI: {"validate": call.Report}}
	var written []string
	for _, next := range []http.HandlerFunc{
		func(w http.ResponseWriter, req *http.Request) {
			c := call.From(req.Context())
			c.SetPrincipal(&call.Principal{ID: "m1", Role: "member"})
			c.SetInput(map[string]any{"path.id": "7"}, nil, false)
			c.Note("call", "forwarded", "disagrees")
			call.Stopped(w, req, problem.Malformed("no").From("validate", "rule"), func(*call.Call, *problem.Error) string { return "line" })
			call.Refuse(w, req, problem.Forbidden("no").Because(errors.New("why")).From("authz", "rule"))
		},
		func(http.ResponseWriter, *http.Request) { panic("x") },
	} {
		_, records := r.do(request("PUT", "/things/7"), next)
		for _, rec := range records {
			for name := range rec {
				if !slices.Contains(written, name) {
					written = append(written, name)
				}
			}
		}
	}
	slices.Sort(written)
	slices.Sort(listed)
	if !slices.Equal(listed, written) {
		t.Errorf("the page lists %q\nrecords have %q", listed, written)
	}
}

func TestASlowCallIsMarked(t *testing.T) {
	var got []observe.Record
	r := newRig(t)
	r.cfg = observe.Config{Log: slog.DiscardHandler, Slow: 1204000, OnRecord: func(rec observe.Record) { got = append(got, rec) }}
	r.do(request("GET", "/"), member(r))
	r.cfg.Slow--
	r.do(request("GET", "/"), member(r))
	if len(got) != 2 || got[0].Slow || got[0].Level != slog.LevelInfo || !got[1].Slow || got[1].Level != slog.LevelWarn {
		t.Errorf("%+v", got)
	}
}
