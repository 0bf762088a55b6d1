package gatetest_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/gatetest"
)

func answers(status int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
}

func TestTheGateHolds(t *testing.T) {
	gate := newGate(t, nil)
	gatetest.Run(t, gate.Wrap(bookshop{}), target(gate))
}

// careless does everything that a row is about: it answers all, repeats what it
// was sent, lets every page read, and tells who it is.
func careless(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "careless/1.0")
	fetch(sentBy(r), "jku")
	fetch(sentBy(r), "x5u")
	if origin := r.Header.Get("Origin"); origin != "" {
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Access-Control-Allow-Credentials", "true")
	}
	for _, name := range []string{"X-Request-Id", "User-Agent", "Referer", "Cookie", "Accept", "X-Forwarded-Host"} {
		w.Header().Add("X-Careless", r.Header.Get(name))
	}
	fmt.Fprintln(w, r.URL.Path, r.Header.Get("X-Request-Id"), "panic: at main.go:1")
	_, _ = io.Copy(w, r.Body)
}

func TestEveryRowFailsWithoutAGate(t *testing.T) {
	rows, err := target(newGate(t, nil)).Attacks()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 150 {
		t.Errorf("%d rows: too few to be all", len(rows))
	}
	for _, row := range rows {
		if row.Try(http.HandlerFunc(careless)) == nil {
			t.Errorf("%s/%s: a handler without any safeguard passes", row.Name, row.Operation)
		}
	}
}

func TestAccessNoticesBothWays(t *testing.T) {
	gate := newGate(t, nil)
	rows, err := target(gate).Access()
	if err != nil {
		t.Fatal(err)
	}
	notices := func(row gatetest.Attack, status int) bool { return row.Try(answers(status)) != nil }
	count := map[string]int{}
	for _, row := range rows {
		kind := row.Name[strings.IndexByte(row.Name, '(')+1:]
		count[kind]++
		bites := false
		switch kind {
		case "no)":
			bites = notices(row, 200) && notices(row, 404)
		case "yes)", "public)":
			bites = notices(row, 401) && notices(row, 403)
		case "own)":
			bites = notices(row, 401)
		default:
			bites = notices(row, 401)
		}
		if !bites || row.Name != "token of Target.Sign" && !notices(row, 429) {
			t.Errorf("%s/%s does not notice", row.Name, row.Operation)
		}
		if err := row.Try(gate.Wrap(bookshop{})); err != nil {
			t.Errorf("%s/%s: %v", row.Name, row.Operation, err)
		}
	}
	want := map[string]int{"no)": 15, "yes)": 11, "public)": 14, "own)": 4, "token of Target.Sign": 1}
	if !maps.Equal(count, want) {
		t.Errorf("rows by kind: %v, want %v: six operations, a guest, and three roles by token and by cookie, and two members of one operation", count, want)
	}
}

func TestAHandlerThatPanicsFails(t *testing.T) {
	rows, err := target(newGate(t, nil)).Attacks()
	if err != nil {
		t.Fatal(err)
	}
	err = rows[0].Try(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oh") }))
	if err == nil || !strings.Contains(err.Error(), "panicked") {
		t.Error(err)
	}
}

func TestTargetsThatAreWrong(t *testing.T) {
	gate := newGate(t, nil)
	for name, tt := range map[string]struct {
		change func(*gatetest.Target)
		says   string
	}{
		"no table":                 {func(g *gatetest.Target) { g.Table = nil }, "Table is missing"},
		"a row that is not":        {func(g *gatetest.Target) { g.Leave = map[string]string{"token with alg nine": "typo"} }, "alg nine"},
		"a body that does not fit": {func(g *gatetest.Target) { g.Bodies = map[string]string{"addBook": `{}`} }, "addBook"},
		"a parameter that does not": {func(g *gatetest.Target) {
			g.Params = map[string]map[string]string{"listBooks": {"query.limit": "51"}}
		}, "limit"},
		"nothing that can be called": {func(g *gatetest.Target) {
			g.Table = gatetest.Compile(t, "openapi: 3.1.0\ninfo: { title: T, version: '1' }\npaths: { /a: { post: { operationId: stubborn, x-gatehouse: { access: public }, requestBody: { required: true, content: { application/json: { schema: { not: {} } } } } } } }")
		}, "no operation that can be called; stubborn: no request can be made"},
	} {
		g := target(gate)
		tt.change(&g)
		if _, err := g.Attacks(); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want an error that says %q", name, err, tt.says)
		}
	}
}

func TestLeaveTakesRowsOut(t *testing.T) {
	rows := func(leave map[string]string) map[string]bool {
		g := target(newGate(t, nil))
		g.Leave = leave
		all := map[string]bool{}
		for _, list := range []func(gatetest.Target) ([]gatetest.Attack, error){gatetest.Target.Attacks, gatetest.Target.Access} {
			some, err := list(g)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range some {
				all[row.Group+": "+row.Name+"/"+row.Operation] = true
			}
		}
		return all
	}
	all := rows(nil)
	for name, gone := range map[string]func(row string) bool{
		"no credentials":     func(row string) bool { return strings.HasPrefix(row, "tokens: no credentials/") },
		"removeBook":         func(row string) bool { return strings.HasSuffix(row, "/removeBook") },
		"body: none/addBook": func(row string) bool { return row == "bodies: body: none/addBook" },
		"CORS":               func(row string) bool { return strings.HasPrefix(row, "CORS: ") },
		"access/shelf":       func(row string) bool { return strings.HasPrefix(row, "access: ") && strings.HasSuffix(row, "/shelf") },
		"no host":            func(row string) bool { return row == "hosts: no host/" },
	} {
		left, n := rows(map[string]string{name: "not ours"}), 0
		for row := range all {
			if gone(row) {
				n++
			}
			if left[row] == gone(row) {
				t.Errorf("without %q: %s is there: %v", name, row, left[row])
			}
		}
		if n == 0 {
			t.Errorf("%q takes nothing out", name)
		}
	}
	if left := rows(map[string]string{"CORS": ""}); len(left) != len(all) {
		t.Error("a row without a reason is left out")
	}
}

// TestGapsAreTold: what cannot be attacked for want of something is no row, and
// must not look as if it had passed.
func TestGapsAreTold(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*gatetest.Target)
		says   string
	}{
		"no cookies": {func(g *gatetest.Target) { g.Cookies = nil }, "Target.Cookies"},
		"no signer":  {func(g *gatetest.Target) { g.Sign = nil }, "Target.Sign"},
		"no address": {func(*gatetest.Target) {}, "Target.Address"},
		"no admin":   {func(g *gatetest.Target) { delete(g.Tokens, "admin"); delete(g.Cookies, "admin") }, "removeBook: no role"},
		"a schema without example": {func(g *gatetest.Target) {
			g.Table = gatetest.Compile(t, strings.Replace(books, "enum: [novel, essay]", "enum: [novel, essay], not: { const: novel }", 1))
		}, "addBook: no request can be made: the body"},
		"a member that no body can set": {func(g *gatetest.Target) {
			g.Table = gatetest.Compile(t, strings.Replace(books, "shelf: { type: string,", "shelf: { type: string, not: {},", 1))
		}, "addBook: /place/shelf, which write_roles leaves to some, set by editor"},
		"a member of what else there may be": {func(g *gatetest.Target) {
			g.Table = gatetest.Compile(t, strings.Replace(books, "Book:\n", "Book:\n      dependentSchemas: { stock: { properties: { margin: { x-gatehouse: { write_roles: [admin] } } } } }\n", 1))
		}, "addBook: a member that write_roles leaves to some, at /application~1json/schema/dependentSchemas/stock/properties/margin"},
		"a member nine deep": {func(g *gatetest.Target) {
			deep := "{ x-gatehouse: { write_roles: [admin] } }"
			for range 8 {
				deep = "{ type: object, properties: { in: " + deep + " } }"
			}
			g.Table = gatetest.Compile(t, strings.Replace(books, "stock: { type: integer,", "deep: "+deep+"\n            stock: { type: integer,", 1))
		}, "addBook: a member that write_roles leaves to some, at /application~1json/schema/"},
		"an own object in Params": {func(g *gatetest.Target) {
			g.Table = gatetest.Compile(t, strings.Replace(books, "own: path.reader", "own: row", 1))
		}, "shelf: objects of somebody else (own: row)"},
	} {
		g := target(newGate(t, nil))
		tt.change(&g)
		gaps, err := g.Gaps()
		if err != nil || !slices.ContainsFunc(gaps, func(gap string) bool { return strings.Contains(gap, tt.says) }) {
			t.Errorf("%s: %v, %q, want one that says %q", name, err, gaps, tt.says)
		}
	}
}
