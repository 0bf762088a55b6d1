package contract

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

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
		"1e3": json.Number("1e3"), "1.50E-7": json.Number("1.50E-7"), "12e+03": json.Number("12e+03"),
		"1_000": "1_000", "0b11": "0b11", "1e": "1e", "+": "+", "-": "-", "1.2.3": "1.2.3", ".": ".", "0x": "0x", "12:30:45": "12:30:45",
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
		"a: &x { b: 1, c: 2 }\nd: *x\ne: { <<: *x, b: 3 }\n":                 `{"a":{"b":1,"c":2},"d":{"b":1,"c":2},"e":{"b":3,"c":2}}`,
		"p: &p { a: 1 }\nq: &q { a: 2, b: 2 }\nr:\n  <<: [*p, *q]\n  c: 3\n": `{"p":{"a":1},"q":{"a":2,"b":2},"r":{"a":1,"b":2,"c":3}}`,
		"200: ok\n1.0: one\ntrue: yes\n":                                     `{"1.0":"one","200":"ok","true":"yes"}`,
		"a: |\n  x\n   y\n\nb: >-\n  x\n  y\n":                               `{"a":"x\n y\n","b":"x y"}`,
		"a: !!str 200\nb: !!str null\nc: !!int 5\nd: !!map {}\n":             `{"a":"200","b":"null","c":5,"d":{}}`,
		"? a\n: b\n": `{"a":"b"}`,
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
	for c := 'b'; c <= 'i'; c++ {
		p := string(c - 1)
		bomb += string(c) + ": &" + string(c) + " [*" + p + ", *" + p + ", *" + p + ", *" + p + ", *" + p + ", *" + p + ", *" + p + ", *" + p + ", *" + p + ", *" + p + "]\n"
	}
	for _, row := range []struct{ name, text, code, place string }{
		{"not UTF-8", "a: \xff", codeSyntax, "f"},
		{"UTF-16", "\xff\xfea\x00", codeSyntax, "f"},
		{"a NUL byte", "a: 1\nb: \x00", codeSyntax, "f:2"},
		{"nothing", "", codeSyntax, "f"},
		{"a comment alone", "# x\n", codeSyntax, "f"},
		{"two documents", "a: 1\n---\nb: 2\n", codeSyntax, "f:3:2"},
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
		{"an unknown tag", "a: !!binary aGk=\n", codeSyntax, "f:1:4"},
		{"a language tag", "a: !ruby/object x\n", codeSyntax, "f:1:4"},
		{"infinity", "a: .inf\n", codeSyntax, "f:1:4"},
		{"not a number", "a: .NaN\n", codeSyntax, "f:1:4"},
		{"an exponent of gigabytes", "a: 1e99999999\n", codeSyntax, "f:1:4"},
		{"a key that is a list", "? [a]\n: b\n", codeSyntax, "f:2:1"},
		{"a colon without a blank in braces", "{a:1}", codeSyntax, "f:1:2"},
		{"lists too deep", deep(150), codeBounds, "f:1:102"},
		{"lists so deep that a parser dies", deep(1 << 15), codeBounds, "f:1:201"},
		{"objects so deep that a parser dies", strings.Repeat("{a: ", 1<<14), codeBounds, "f:1:401"},
		{"JSON objects too deep", strings.Repeat(`{"a":`, 120) + "1" + strings.Repeat("}", 120), codeBounds, ""},
		{"sequences in a line", strings.Repeat("- ", 1<<16) + "x", codeBounds, "f:1:399"},
		{"question marks in a line", strings.Repeat("? ", 1<<16) + "x", codeBounds, ""},
		{"anchors in a row", strings.Repeat("&a ", 1<<16), codeBounds, ""},
		{"anchors in a column", strings.Repeat("&a\n", 1<<16), codeBounds, ""},
		{"tags in a column", strings.Repeat("!!str\n", 1<<16), codeBounds, ""},
		{"keys in a line", strings.Repeat("a: ", 1<<16), codeBounds, ""},
		{"a staircase", func() string {
			var b strings.Builder
			for i := range 300 {
				b.WriteString(strings.Repeat(" ", i) + "a:\n")
			}
			return b.String()
		}(), codeBounds, "f:200:201"},
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

func TestTooManyTokens(t *testing.T) {
	if _, what := tooMuch(make(token.Tokens, maxTokens+1)); what == "" {
		t.Error("a document may have any number of tokens")
	}
}
