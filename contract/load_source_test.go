package contract

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

func parsed(t *testing.T, text string) any {
	t.Helper()
	var c collector
	n := parse(File{Name: "f", Data: []byte(text)}, &c)
	if n == nil {
		t.Fatalf("%q: %v", text, c.err())
	}
	return n.value(nil)
}

// TestScalars holds plain scalars against the core schema of YAML 1.2 (section
// 10.3.2), of which JSON is a part.
func TestScalars(t *testing.T) {
	for text, want := range map[string]any{
		"null": nil, "Null": nil, "NULL": nil, "~": nil, "": nil,
		"true": true, "True": true, "TRUE": true, "false": false,
		"yes": "yes", "no": "no", "on": "on", "y": "y", "nULL": "nULL", // text in YAML 1.2
		"0": json.Number("0"), "-0": json.Number("-0"), "+12": json.Number("12"), "012": json.Number("12"), "0o17": json.Number("15"), "0x1F": json.Number("31"),
		"123456789012345678901234567890": json.Number("123456789012345678901234567890"),
		"0.10":                           json.Number("0.10"), "1.": json.Number("1"), ".5": json.Number("0.5"), "-.5": json.Number("-0.5"),
		"1.e3": json.Number("1e3"), "1e-999": json.Number("1e-999"), "1e3": json.Number("1e3"), "1.50E-7": json.Number("1.50E-7"), "12e+03": json.Number("12e+03"),
		"+-1": "+-1", "0x1G": "0x1G", "0o8": "0o8", "-0x1": "-0x1", "0x" + strings.Repeat("f", 65): "0x" + strings.Repeat("f", 65),
		"0o1" + strings.Repeat("0", 22): json.Number("73786976294838206464"),
		"1_000":                         "1_000", "0b11": "0b11", "1e": "1e", "+": "+", "-": "-", "1.2.3": "1.2.3", ".": ".", "0x": "0x", "12:30:45": "12:30:45",
		"2020-01-01": "2020-01-01", "<<": "<<", `"null"`: "null", `'1'`: "1", `"a\/\ud83d\ude00\u0041"`: "a/\U0001f600A",
	} {
		if text == "-" || text == "<<" {
			continue // signs of the grammar where they stand as a value
		}
		got := parsed(t, "{\"v\": "+text+"}").(map[string]any)["v"]
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s is read as %T %v, want %T %v", text, got, got, want, want)
		}
	}
}

// TestJSONIsYAML reads JSON with this parser and with the strict decoder.
func TestJSONIsYAML(t *testing.T) {
	for _, text := range []string{
		"{\"a\":\t[1.0, -2.5e10, 123456789012345678901234567890, true, null, \"null\", \"\", {}, []],\n\t\"b\": {\"c\":{\"d\":\"x: y # z\"}}}",
		`{"a":"\"\\\/\b\f\n\r\t\u00e9","é":"ü","~":1,"true":2,"":3,"- x":4,"a: b":5,"{":"}","[":"]"}`,
		string(corpus(t, "fastapi.json").Data),
	} {
		want, err := strictjson.Decode([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := parsed(t, text); !reflect.DeepEqual(got, want) {
			t.Errorf("%.80s\n got %v\nwant %v", text, got, want)
		}
	}
}

func TestYAML(t *testing.T) {
	for text, want := range map[string]string{
		"a: &x { b: 1, c: 2 }\nd: *x\ne: { <<: *x, b: 3 }\n":                      `{"a":{"b":1,"c":2},"d":{"b":1,"c":2},"e":{"b":3,"c":2}}`,
		"p: &p { a: 1 }\nq: &q { a: 2, b: 2 }\nr:\n  <<: [*p, *q]\n  c: 3\n":      `{"p":{"a":1},"q":{"a":2,"b":2},"r":{"a":1,"b":2,"c":3}}`,
		"200: ok\n1.0: one\ntrue: yes\n":                                          `{"1.0":"one","200":"ok","true":"yes"}`,
		"a: |\n  x\n   y\n\nb: >-\n  x\n  y\n":                                    `{"a":"x\n y\n","b":"x y"}`,
		"a: !!str 200\nb: !!str null\nc: !!int 5\nd: !!map {}\n":                  `{"a":"200","b":"null","c":5,"d":{}}`,
		"a: &x !!str 0x1F\nb: *x\nc: !!str 'd'\ne: !!str |\n  1\n  2\nf: !!str\n": `{"a":"0x1F","b":"0x1F","c":"d","e":"1\n2\n","f":""}`,
		"a: { b: &x !!map { c: &y !!seq [!!str 1] } }\n":                          `{"a":{"b":{"c":["1"]}}}`,
		"? a\n: b\n":                                          `{"a":"b"}`,
		"!!str a: 1\n&b b: 2\n? |\n  c\n: 3\n":                `{"a":1,"b":2,"c\n":3}`,
		"{'a':1, \"b\":2, c:[3], d:{e: 4}, f:\n   5, g: , h}": `{"a":1,"b":2,"c":[3],"d":{"e":4},"f":5,"g":null,"h":null}`,
		"[a: 1, { b: 2 }, c:d]":                               `[{"a":1},{"b":2},"c:d"]`,
		"{a:\n   1}":                                          `{"a":1}`,
		"a: <<\n":                                             `{"a":"<<"}`,
		"%YAML 1.2\n---\na: 1\n---\n# nothing\n":              `{"a":1}`,
		"a: |\r\n  x\r\n  y\r\nb: 'x\r\n\r\n  y'\r\n":         `{"a":"x\ny\n","b":"x\ny"}`,
		"a: [read:orders, urn:isbn:1]\nb: { c: [x:y, http://x/y], d: e:f }\n": `{"a":["read:orders","urn:isbn:1"],"b":{"c":["x:y","http://x/y"],"d":"e:f"}}`,
		"---\na: 1\n...\n":                    `{"a":1}`,
		"\ufeffa: 1\r\nb:\r\n  - 2\r\n":       `{"a":1,"b":[2]}`,
		"a:\n- b: 1\n  c: 2\n- d\ne: f # g\n": `{"a":[{"b":1,"c":2},"d"],"e":"f"}`,
		"a:\nb: {}\nc: []\nd: ''\n":           `{"a":null,"b":{},"c":[],"d":""}`,
	} {
		got, err := strictjson.Marshal(parsed(t, text))
		if err != nil || string(got) != want {
			t.Errorf("%q\n got %s %v\nwant %s", text, got, err, want)
		}
	}
}

func TestSourceRefuses(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'z'; c++ {
		p := string(c - 1)
		bomb += string(c) + ": &" + string(c) + " [*" + p + ", *" + p + ", *" + p + ", *" + p + ", *" + p + ", *" + p + ", *" + p + ", *" + p + ", *" + p + ", *" + p + "]\n"
	}
	for _, row := range []struct{ name, text, code, place string }{
		{"not UTF-8", "a: \xff", codeSyntax, "f"},
		{"UTF-16", "\xff\xfea\x00", codeSyntax, "f"},
		{"a NUL byte", "a: 1\nb: \x00", codeSyntax, "f:2"},
		{"a NUL byte and nothing else", "\x00", codeSyntax, "f:1"},
		{"nothing", "", codeSyntax, "f"},
		{"a comment alone", "# x\n", codeSyntax, "f"},
		{"two documents", "a: 1\n---\nb: 2\n", codeSyntax, "f:3:1"},
		{"two values", "{\"a\": 1} x", codeSyntax, "f:1:10"},
		{"an open bracket", "a: [1, 2\nb: 3\n", codeSyntax, "f:2:1"},
		{"a key twice", "a:\n  b: 1\n  c: 2\n  b: 3\n", codeDuplicate, "f:4:3"},
		{"a key twice in JSON", "{\"a\": 1,\n \"a\": 2}", codeDuplicate, "f:2:2"},
		{"a key twice, once quoted", "a: 1\n'a': 2\n", codeDuplicate, "f:2:1"},
		{"a key twice, once a number", "1: 1\n'1': 2\n", codeDuplicate, "f:2:1"},
		{"an alias without anchor", "a: *x\n", codeSyntax, "f:1:5"},
		{"an alias in its own anchor", "a: &x\n  b: *x\n", codeBounds, "f:2:7"},
		{"billion laughs", bomb, codeBounds, "f"},
		{"merge of a text", "a: &x y\nb: { <<: *x }\n", codeSyntax, "f:2:10"},
		{"a merge of too much", "a: &a { " + listing(1024, func(i int) string { return fmt.Sprintf("k%d: 1", i) }) + " }\nb: { <<: [" + listing(1025, func(int) string { return "*a" }) + "] }\n", codeBounds, "f:2:10"},
		{"a tag before an anchor", "a: !!str\n  &x 200\n", codeSyntax, "f:2:3"},
		{"a tag before an alias", "a: &x 200\nb: !!str\n  *x\n", codeSyntax, "f:3:3"},
		{"an alias as a key", "a: &x b\n*x : c\n", codeSyntax, "f:2:1"},
		{"an unknown tag", "a: !!binary aGk=\n", codeSyntax, "f:1:4"},
		{"a language tag", "a: !ruby/object x\n", codeSyntax, "f:1:4"},
		{"infinity", "a: .inf\n", codeSyntax, "f:1:4"},
		{"not a number", "a: .NaN\n", codeSyntax, "f:1:4"},
		{"an exponent of gigabytes", "a: 1e99999999\n", codeSyntax, "f:1:4"},
		{"an exponent of four digits", "a: 1e1000\n", codeSyntax, "f:1:4"},
		{"a key that is a list", "? [a]\n: b\n", codeSyntax, "f:2:1"},
		{"a colon without a blank in braces", "{a:1}", codeSyntax, "f:1:2"},
		{"lists too deep", deep(150), codeBounds, "f:1:102"},
		{"blocks too deep", staircase(150, ""), codeBounds, "f:102:102"},
		{"lists so deep that a parser dies", deep(1 << 15), codeBounds, "f:1:201"},
		{"objects so deep that a parser dies", strings.Repeat("{a: ", 1<<14), codeBounds, "f:1:401"},
		{"JSON objects too deep", strings.Repeat(`{"a":`, 120) + "1" + strings.Repeat("}", 120), codeBounds, ""},
		{"sequences in a line", strings.Repeat("- ", 1<<16) + "x", codeBounds, "f:1:399"},
		{"question marks in a line", strings.Repeat("? ", 1<<16) + "x", codeBounds, ""},
		{"anchors in a row", strings.Repeat("&a ", 1<<16), codeBounds, ""},
		{"anchors in a column", strings.Repeat("&a\n", 1<<16), codeBounds, ""},
		{"tags in a column", strings.Repeat("!!str\n", 1<<16), codeBounds, "f:5:1"},
		{"keys in a line", strings.Repeat("a: ", 1<<16), codeBounds, ""},
		{"a staircase", staircase(300, ""), codeBounds, "f:200:201"},
		{"a staircase with comments", staircase(300, "# x\n"), codeBounds, "f:399:201"},
		{"keys without end at one level", strings.Repeat("a:\n", 1<<16), codeBounds, ""},
		{"too large", strings.Repeat("# comment\n", 1<<20), codeBounds, "f"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var c collector
			n := parse(File{Name: "f", Data: []byte(row.text)}, &c)
			if n != nil || len(c.all) == 0 {
				t.Fatal("it was read")
			}
			if i := c.all[0]; i.Code != row.code || row.place != "" && i.Position.String() != row.place {
				t.Errorf("got %s at %s (%s), want %s at %s", i.Code, i.Position, i.What, row.code, row.place)
			}
		})
	}
}

// TestSourceKeepsReading shows that the bounds are far from what people write.
func TestSourceKeepsReading(t *testing.T) {
	var b strings.Builder
	b.WriteString("paths:\n")
	for range 3000 {
		b.WriteString("- get:\n    responses: { '200': { content: { application/json: { schema: { type: object, properties: { a: { type: string } } } } } } }\n")
	}
	if got := len(parsed(t, b.String()).(map[string]any)["paths"].([]any)); got != 3000 {
		t.Errorf("read %d paths", got)
	}
	deep := strings.Repeat(`{"properties":{"a":`, 45) + "{}" + strings.Repeat("}}", 45)
	parsed(t, deep)
}

// TestMarks holds how wide what is at fault is shown: with its quotes.
func TestMarks(t *testing.T) {
	for text, want := range map[string]mark{"a: bé": {line: 1, col: 4, width: 2}, "a: 'bé'": {line: 1, col: 4, width: 4}, "a:\n  \"b\"": {line: 2, col: 3, width: 3}} {
		n := parse(File{Name: "f", Data: []byte(text)}, &collector{})
		got := n.find("a").value.mark
		got.src = nil
		if got != want {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
}

// listing joins n items by commas.
func listing(n int, item func(int) string) string {
	items := make([]string, n)
	for i := range items {
		items[i] = item(i)
	}
	return strings.Join(items, ", ")
}

// staircase is a block mapping in a block mapping and so on, with a line between
// two steps.
func staircase(steps int, between string) string {
	var b strings.Builder
	for i := range steps {
		b.WriteString(strings.Repeat(" ", i) + "a:\n" + between)
	}
	return b.String()
}

// TestBounds holds the bounds of a document to the unit, on both of their sides.
func TestBounds(t *testing.T) {
	aliases := func(more int) string { // of 2 + 1023*1023 + 1023 + 1021 values: with more, 2^20
		return "a: &a [" + listing(1022, func(int) string { return "x" }) + "]\nb: [" + listing(1023, func(int) string { return "*a" }) + "]\nc: [" + listing(more, func(int) string { return "x" }) + "]\n"
	}
	merges := "a: &a { " + listing(1024, func(i int) string { return fmt.Sprintf("k%d: 1", i) }) + " }\nb: { <<: [" + listing(1024, func(int) string { return "*a" })
	for _, row := range []struct{ name, good, bad, what string }{
		{"8 MiB", "a: 1\n#" + strings.Repeat(" ", 8<<20-6), "a: 1\n#" + strings.Repeat(" ", 8<<20-5), "the file is larger than 8 MiB"},
		{"values", aliases(1021), aliases(1022), "the document holds more than 1048576 values"},
		{"members by merge keys", merges + "] }", merges + ", { z: 1 }] }", "merge keys bring in too many members"},
		{"levels of lists", strings.Repeat("[", 101) + strings.Repeat("]", 101), strings.Repeat("[", 102) + strings.Repeat("]", 102), "nested deeper than 100 levels"},
		{"levels of blocks", staircase(100, ""), staircase(101, ""), "nested deeper than 100 levels"},
		{"levels that the parser would go", "a: 1", strings.Repeat("[", 201), "nested deeper than 100 levels"},
	} {
		var c collector
		if parse(File{Name: "f", Data: []byte(row.good)}, &c) == nil {
			t.Errorf("%s: at the bound: %v", row.name, c.err())
		}
		if n := parse(File{Name: "f", Data: []byte(row.bad)}, &c); n != nil || c.all[0].What != row.what {
			t.Errorf("%s: beyond the bound: %v %v", row.name, n, c.err())
		}
	}
}

// TestTooMuch holds what is judged by its tokens alone, before the parser sees it.
func TestTooMuch(t *testing.T) {
	keys := func(n int, indent string) string { return strings.Repeat(indent+"a:\n", n) }
	const wide, deep = "too many keys at one level", "nested deeper than 100 levels"
	for _, row := range []struct{ name, text, what, place string }{
		{"keys whose squares are the bound", "-\n" + keys(10_000, "  ") + "-\n" + keys(10_000, "  "), "", ""},
		{"and one more", "-\n" + keys(10_000, "  ") + "-\n" + keys(10_001, "  "), wide, "f:20003:3"},
		{"keys at two columns", keys(10_000, "  ") + keys(10_000, ""), "", ""},
		{"items in a block", strings.Repeat("- a\n", 20_000), "", ""},
		{"members in a line", "{" + strings.Repeat("\"a\": 1, ", 300) + "}", "", ""},
		{"lists in a line", "[" + strings.Repeat("[], {}, ", 300) + "]", "", ""},
		{"lists with closed ones between", strings.Repeat("[[], ", 250), deep, "f:1:997"},
		{"a staircase after brackets", "[[]]\n" + staircase(300, ""), deep, "f:201:201"},
		{"a staircase after a bracket too many", "]\n" + staircase(300, ""), deep, "f:201:201"},
		{"anchors and tags", "a: !!map &a !!map &b {}", "", ""},
		{"tags in a row", "a: !!map\n  !!map\n  !!map\n  !!map\n  !!map {}", deep, "f:5:3"},
		{"anchors in a row", "a: &a &b &c &d &e 1", deep, "f:1:16"},
		{"tags in two rows", "a: !!map !!map !!map\nb: !!map !!map !!map", "", ""},
	} {
		at, what := tooMuch(lexer.Tokenize(row.text))
		place := ""
		if at != nil {
			place = tokenMark(&source{name: "f"}, at).position().String()
		}
		if what != row.what || place != row.place {
			t.Errorf("%s: %q at %s, want %q at %s", row.name, what, place, row.what, row.place)
		}
	}
	comment := &token.Token{Type: token.CommentType, Position: &token.Position{Line: 1}}
	tokens := slices.Repeat(token.Tokens{comment}, maxTokens)
	if _, what := tooMuch(tokens); what != "" {
		t.Errorf("as many tokens as there may be: %s", what)
	}
	last := &token.Token{Type: token.CommentType}
	if at, what := tooMuch(append(tokens, last)); at != last || what != "the file has more than 2621440 words and signs" {
		t.Errorf("one more: %s", what)
	}
}
