package strictjson_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

func TestDecodeValues(t *testing.T) {
	for text, want := range map[string]any{
		`null`:                                nil,
		` true `:                              true,
		"\t\r\nfalse":                         false,
		`""`:                                  "",
		`"a\"b\\c\/\b\f\n\r\té\ud83d\ude00é"`: "a\"b\\c/\b\f\n\r\té😀é",
		`-0`:                                  json.Number("-0"),
		`1.50e+2`:                             json.Number("1.50e+2"),
		`9007199254740993`:                    json.Number("9007199254740993"),
		`[]`:                                  []any{},
		`{}`:                                  map[string]any{},
		`[ 1 , "b" ,[ ],{ } , null]`:          []any{json.Number("1"), "b", []any{}, map[string]any{}, nil},
		`{"a" : {"b\u0031":[true]} , "":2 }`:  map[string]any{"a": map[string]any{"b1": []any{true}}, "": json.Number("2")},
		`0e9999`:                              json.Number("0e9999"),
		`1e308`:                               json.Number("1e308"),
		`1e-300`:                              json.Number("1e-300"),
		strings.Repeat("[", 32) + strings.Repeat("]", 32): nest(32),
		`"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"[["`:  strings.Repeat("[", 40) + `"[[`,
	} {
		got, err := strictjson.Decode([]byte(text))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Decode(%s) = %#v, %v; want %#v", text, got, err, want)
		}
	}
}

func nest(depth int) any {
	v := []any{}
	for range depth - 1 {
		v = []any{v}
	}
	return v
}

var refused = map[string]struct {
	text string
	want error // nil: any error
}{
	"nothing":                       {"", strictjson.ErrEmpty},
	"blanks alone":                  {" \n ", strictjson.ErrEmpty},
	"byte order mark":               {"\xef\xbb\xbf{}", strictjson.ErrBOM},
	"duplicate key":                 {`{"role":"member","role":"admin"}`, nil},
	"duplicate key in disguise":     {`{"role":1,"\u0072ole":2}`, nil},
	"duplicate key deep down":       {`[{"a":{"b":1,"b":1}}]`, nil},
	"second value":                  {`{} {}`, strictjson.ErrTrailing},
	"second value, malformed":       {`{} x`, nil},
	"trailing comma":                {`[1,]`, nil},
	"depth 33":                      {strings.Repeat("[", 33) + strings.Repeat("]", 33), strictjson.ErrDepth},
	"depth 33 of objects":           {strings.Repeat(`{"a":`, 33) + "1" + strings.Repeat("}", 33), strictjson.ErrDepth},
	"a million opening brackets":    {strings.Repeat("[", 1<<20), strictjson.ErrDepth},
	"depth hidden behind a string":  {`["\\",` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + "]", strictjson.ErrDepth},
	"invalid UTF-8":                 {"\"\xff\"", nil},
	"overlong UTF-8":                {"\"\xc0\xaf\"", nil},
	"UTF-8 surrogate":               {"\"\xed\xa0\x80\"", nil},
	"lone high surrogate":           {`"\ud800"`, nil},
	"lone low surrogate":            {`"\udc00"`, nil},
	"surrogates in the wrong order": {`"\udc00\ud800"`, nil},
	"lone surrogate in a key":       {`{"\ud800":1}`, nil},
	"raw control character":         {"\"a\nb\"", nil},
	"raw NUL":                       {"\"a\x00b\"", nil},
	"NaN":                           {`NaN`, nil},
	"Infinity":                      {`-Infinity`, nil},
	"1e999":                         {`1e999`, strictjson.ErrNumber},
	"-1e999 deep down":              {`{"a":[-1e999]}`, strictjson.ErrNumber},
	"310 digits":                    {strings.Repeat("9", 310), strictjson.ErrNumber},
	"exponent that eats memory":     {`1e-999999999`, strictjson.ErrNumber},
	"zero with an endless exponent": {`0e99999999999999999999`, strictjson.ErrNumber},
	"underflow":                     {`1e-400`, strictjson.ErrNumber},
	"a megabyte of digits":          {"0." + strings.Repeat("1", 1<<20), strictjson.ErrNumber},
	"leading zero":                  {`01`, nil},
	"plus sign":                     {`+1`, nil},
	"hexadecimal":                   {`0x10`, nil},
	"comment":                       {`{} // x`, nil},
	"single quotes":                 {`{'a':1}`, nil},
	"unquoted key":                  {`{a:1}`, nil},
	"UTF-16":                        {"\xfe\xff\x00{\x00}", nil},
}

func TestDecodeRefuses(t *testing.T) {
	for name, c := range refused {
		v, err := strictjson.Decode([]byte(c.text))
		if err == nil {
			t.Errorf("%s: decoded to %#v", name, v)
			continue
		}
		if c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestUnmarshalRefusesWhatDecodeRefuses(t *testing.T) {
	exact := map[string]bool{ // RawMessage keeps a number as text: nothing is computed with it
		"1e999": true, "-1e999 deep down": true, "310 digits": true, "exponent that eats memory": true,
		"zero with an endless exponent": true, "underflow": true, "a megabyte of digits": true,
	}
	for name, c := range refused {
		var v json.RawMessage
		if err := strictjson.Unmarshal([]byte(c.text), &v); err == nil && !exact[name] {
			t.Errorf("%s: unmarshalled", name)
		}
	}
	var f float64
	if err := strictjson.Unmarshal([]byte("1e999"), &f); err == nil {
		t.Error("1e999 fits a float64")
	}
}

func TestErrorsDoNotQuote(t *testing.T) {
	for _, text := range []string{
		`{"hunter2":1,"hunter2":2}`, `{"hunter2"`, `"hunter2\ud800"`, `[hunter2]`, `{} hunter2`, "\"hunter2\xff\"",
	} {
		_, err := strictjson.Decode([]byte(text))
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Decode(%s): %v", text, err)
		}
		var v struct{ Hunter2 int }
		if err := strictjson.Unmarshal([]byte(`{"Hunter2":"hunter2"}`), &v); err == nil || strings.Contains(err.Error(), "unter2") {
			t.Errorf("Unmarshal(%s): %v", text, err)
		}
	}
}

func TestUnmarshalMatchesNamesToTheLetter(t *testing.T) {
	var v struct {
		Role string `json:"role"`
	}
	if err := strictjson.Unmarshal([]byte(`{"ROLE":"admin","Role":"admin"}`), &v); err != nil || v.Role != "" {
		t.Errorf("role = %q, %v", v.Role, err)
	}
}

func TestMarshalIsDeterministic(t *testing.T) {
	b, err := strictjson.Marshal(map[string]any{"b": json.Number("1.0"), "a": "<&>", "c": nil})
	if want := `{"a":"<&>","b":1.0,"c":null}`; err != nil || string(b) != want {
		t.Errorf("Marshal = %s, %v; want %s", b, err, want)
	}
}

// FuzzDecode: what we accept, encoding/json accepts too and reads alike; and it
// survives being written and read again.
func FuzzDecode(f *testing.F) {
	for _, c := range refused {
		if len(c.text) < 4096 {
			f.Add([]byte(c.text))
		}
	}
	for _, s := range []string{`{"a":[1,-2.5e3,"x\u00e9\n\ud83d\ude00",true,false,null,{}]}`, ` [ ] `, `"\\\""`, `{"":{"":0}}`, `1e308`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := strictjson.Decode(data)
		if err != nil {
			if got != nil {
				t.Fatalf("a value beside the error: %#v", got)
			}
			return
		}
		d := json.NewDecoder(strings.NewReader(string(data)))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil || d.More() {
			t.Fatalf("encoding/json refuses %q: %v", data, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("Decode(%q) = %#v, encoding/json %#v", data, got, want)
		}
		again, err := strictjson.Marshal(got)
		if err != nil {
			t.Fatalf("Marshal: %v", err)
		}
		back, err := strictjson.Decode(again)
		if err != nil || !reflect.DeepEqual(back, got) {
			t.Fatalf("%q → %s → %#v, %v", data, again, back, err)
		}
	})
}

const body300 = `{"title":"Summer internship at the observatory","description":"Two months of work on the archive of plates.","link":"https://observatory.example/jobs/17","deadline":"2026-05-01","category":"internship","status":"applied","notes":"Ask about housing \u2013 the form is long.","tags":["astronomy","archive"],"hours":37.5}`

func BenchmarkDecode(b *testing.B) {
	data := []byte(body300)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := strictjson.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStandardLibrary(b *testing.B) {
	data := []byte(body300)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		var v any
		if err := json.Unmarshal(data, &v); err != nil {
			b.Fatal(err)
		}
	}
}

// TestEscapeToken: the members of RFC 6901 section 5.
func TestEscapeToken(t *testing.T) {
	for name, want := range map[string]string{
		"foo": "foo", "": "", "a/b": "a~1b", "c%d": "c%d", "e^f": "e^f", "g|h": "g|h", `i\j`: `i\j`, `k"l`: `k"l`, " ": " ", "m~n": "m~0n",
		"~1": "~01", "/~": "~1~0",
	} {
		if got := strictjson.EscapeToken(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
