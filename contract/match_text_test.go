package contract

import (
	"fmt"
	"strings"
	"testing"
)

// TestCharactersOfAPath: each byte as it is and escaped, by RFC 3986 §3.3
// (pchar, and the brackets that browsers leave) and §2.1; RFC 3629 for UTF-8.
func TestCharactersOfAPath(t *testing.T) {
	tab := table(t, "GET /{a}")
	for i := range 256 {
		c := string([]byte{byte(i)})
		control := i < 0x20 || i == 0x7f
		raw := ""
		switch {
		case strings.Contains("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,=:@[]", c):
		case c == "/":
			raw = "The path must not have an empty segment"
		case c == "%":
			raw = "The path has a % that is no escape"
		case c == ";":
			raw = "The path must not have path parameters (;)"
		case c == "\\":
			raw = "The path must not have a backslash"
		case i >= 0x80:
			raw = "Characters beyond ASCII must be percent-encoded in the path"
		default:
			raw = "The path has a character that must be percent-encoded"
		}
		escaped := ""
		switch {
		case c == "/" || c == "\\":
			escaped = "The path must not have an escaped slash or backslash"
		case control || i >= 0x80:
			escaped = "The path must be UTF-8 without control characters once decoded"
		}
		for path, want := range map[string]string{
			"/" + c + "~x": raw, fmt.Sprintf("/%%%02x~x", i): escaped, fmt.Sprintf("/%%%02X~x", i): escaped,
		} {
			if c == "/" && path == "//~x" {
				path = "//"
			}
			m := tab.Match("GET", path, false)
			switch {
			case want != "" && (m.Miss == nil || m.Miss.Status != 400 || m.Miss.Detail != want):
				t.Errorf("%q: %v, want %s", path, m.Miss, want)
			case want == "" && (m.Miss != nil || m.Values[0] != c+"~x"):
				t.Errorf("%q: %v %q", path, m.Miss, m.Values)
			}
		}
	}
	for escape, passes := range map[string]bool{
		"%c2%80": false, "%c2%9f": false, "%c2%a0": true, "%C3%A9": true, "%ef%bf%bd": true, "%f0%9f%98%80": true,
		"%c2": false, "%c0%80": false, "%ed%bf%bf": false, "%f4%90%80%80": false, "%0g": false, "%g0": false, "%4": false,
	} {
		if m := tab.Match("GET", "/"+escape, false); (m.Miss == nil) != passes {
			t.Errorf("%s: %v", escape, m.Miss)
		}
	}
}

// TestThePathsOfATable: as many segments and parameters as a template may have,
// and requests with as many, with more, and with a semicolon in any of them.
func TestThePathsOfATable(t *testing.T) {
	path := func(n int, last string) string { return strings.Repeat("/a", n-1) + "/" + last }
	tab := table(t, "GET "+path(maxSegments, "{p}"), "GET "+strings.Repeat("/v/{p}", 1)+"/w")
	for name, c := range map[string]struct {
		path string
		want string
	}{
		"the longest":                {path(32, "x"), "GET " + path(32, "{p}")},
		"one more":                   {path(33, "x"), "404"},
		"very many":                  {path(1000, "x"), "404"},
		"a semicolon in one more":    {path(33, ";x"), "400"},
		"a semicolon in very many":   {path(1000, ";x"), "400"},
		"a semicolon in the longest": {path(32, ";p=x"), "400"},
	} {
		if got := outcome(tab.Match("GET", c.path, false)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if m := tab.Match("GET", path(33, ";x"), false); m.Miss.Detail != "The path must not have path parameters (;)" {
		t.Errorf("%s", m.Miss.Detail)
	}
}

// TestSemicolonsOfAPath: they stand where the style matrix asks for them (RFC
// 6570 §3.2.7) of a segment of its own, and nowhere else.
func TestSemicolonsOfAPath(t *testing.T) {
	const matrix, simple = `style: matrix, `, ""
	doc := ""
	for path, params := range map[string][2]string{
		"/{a}":       {matrix + "name: a"},
		"/{a}/{b}":   {matrix + "name: a", matrix + "name: b"},
		"/s/{a}/{b}": {simple + "name: a", matrix + "name: b"},
		"/v{a}":      {simple + "name: a"},
		strings.Repeat("/x", maxSegments-1) + "/{a}": {matrix + "name: a"},
	} {
		doc += "  " + path + ": { get: { x-gatehouse: { access: public }, parameters: ["
		for _, p := range params {
			if p != "" {
				doc += "{ " + p + ", in: path, required: true, schema: { type: string } }, "
			}
		}
		doc += "] } }\n"
	}
	api, err := Load(doc31(doc), Options{})
	if err != nil {
		t.Fatal(err)
	}
	tab, err := NewTable(api)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/;a=x": "/{a}", "/;a=x/;b=y": "/{a}/{b}", "/x/;b=y": "/{a}/{b}", "/s/x/;b=y": "/s/{a}/{b}",
		"/s/x;y/;b=y": "400", "/s/;a=x/y": "400", "/v;a=x": "400", "/vx;a=x": "400", "/s;/x/y": "400", "/;a=x/;b=y/;c=z": "400",
		strings.Repeat("/x", maxSegments-1) + "/;a=1": strings.Repeat("/x", maxSegments-1) + "/{a}",
	} {
		m := tab.Match("GET", path, false)
		got := outcome(m)
		if m.Operation != nil {
			got = m.Operation.Path
		}
		if got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if got := outcome(tab.Match("POST", "/;a=x", false)); got != "400" {
		t.Errorf("another method: %s", got)
	}
	shared := &Operation{Params: []*Param{{Name: "a", Style: "matrix"}}}
	if shared.segments, err = parseTemplate("/v{a}"); err != nil || shared.takesMatrix(1) {
		t.Errorf("a matrix beside a literal takes a semicolon, %v", err)
	}
}

func TestTemplates(t *testing.T) {
	params := func(n int) (path string) {
		for i := range n {
			path += fmt.Sprintf("/{p%d}", i)
		}
		return path
	}
	for path, want := range map[string]string{
		"/": "", "/a/{b}.{c}-d": "", "/.{x}": "", "/..{x}": "", "/é%20": "", "/a/": "",
		strings.Repeat("/a", 32): "", params(16): "",
		strings.Repeat("/a", 33): "has more than 32 segments or 16 parameters", params(17): "has more than 32 segments or 16 parameters",
		"a": "does not begin with a slash", "/a//b": "has an empty segment", "/{a}/{a}": "names the parameter a twice",
		"/{a}{b}": "has two parameters side by side", "/{": "has braces that hold no name", "/{id": "has braces that hold no name",
		"/{}": "has braces that hold no name", "/{a{b}": "has braces that hold no name", "/a}": "has a } without its {",
		"/.": "has a segment .", "/a/../b": "has a segment ..", "/?": "has the character ?", "/a#": "has the character #",
		"/;": "has the character ;", `/\`: `has the character \`, `/a"`: `has the character "`, "/%zz": "has a % that is no escape",
		"/%2f": "has an escape that no request may hold", "/%5c": "has an escape that no request may hold",
		"/%00": "has an escape that no request may hold", "/%ff": "has an escape that no request may hold",
	} {
		_, err := parseTemplate(path)
		if want != "" {
			want = "the path " + want
		}
		if got := fmt.Sprint(err); err != nil && got != want || err == nil && want != "" {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// TestPartsOfASegment: more literal text goes before less, what was tried before
// leaves no value behind, and no value is a dot segment.
func TestPartsOfASegment(t *testing.T) {
	tab := table(t, "GET /files/{name}.json", "GET /files/{name}.gz", "GET /files/{name}.tar.gz", "GET /files/{name}", "GET /geo/{lat},{lng}",
		"GET /p/{a}-{b}/one", "GET /p/{a}.{b}/two", "GET /p/{c}/three", "GET /p/{d}-x/{e}/four", "GET /.{hidden}", "GET /ab", "GET /a/b")
	for path, want := range map[string]string{
		"/files/a.gz": "/files/{name}.gz a", "/files/a.tar.gz": "/files/{name}.tar.gz a", "/files/.gz": "/files/{name} .gz",
		"/files/..json": "/files/{name} ..json", "/files/...json": "/files/{name} ...json", "/files/....json": "/files/{name}.json ...",
		"/geo/1,2": "/geo/{lat},{lng} 1 2", "/geo/": "404", "/geo/.,1": "404", "/geo/1,..": "404", "/geo/%2e%2e,1": "404",
		"/p/1-2.x/one": "/p/{a}-{b}/one 1 2.x", "/p/1-2.x/two": "/p/{a}.{b}/two 1-2 x", "/p/1-2.x/three": "/p/{c}/three 1-2.x",
		"/p/1.2-x/5/four": "/p/{d}-x/{e}/four 1.2 5", "/geo/12": "404", "/geo/1": "404", "/.well-known": "/.{hidden} well-known", "/ab": "/ab", "/a/b": "/a/b",
	} {
		m := tab.Match("GET", path, false)
		got := outcome(m)
		if m.Operation != nil {
			got = strings.Join(append([]string{m.Operation.Path}, m.Values...), " ")
		}
		if got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
