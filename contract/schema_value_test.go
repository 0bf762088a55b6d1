package contract

import (
	"encoding/json"
	"fmt"
	"hash/maphash"
	"testing"
)

// TestEqualValues: numbers are compared by their value, objects without regard to
// order (JSON Schema core §4.2.2), in const, enum and uniqueItems, in short lists
// and in long ones.
func TestEqualValues(t *testing.T) {
	filler := make([]any, 8)
	for i := range filler {
		filler[i] = fmt.Sprint("filler ", i)
	}
	for a, others := range map[string]struct{ equal, different []string }{
		`1`:                       {[]string{`1.0`, `10e-1`, `0.1e1`}, []string{`1.1`, `-1`, `"1"`, `true`, `[1]`}},
		`0`:                       {[]string{`-0`, `0.0`, `-0.0`, `0e5`}, []string{`1`, `false`, `null`, `""`}},
		`0.1`:                     {[]string{`1e-1`, `0.10`}, []string{`0.1000000000000000000001`, `0.2`}},
		`12345678901234567890123`: {[]string{`12345678901234567890123.0`}, []string{`12345678901234567890124`}},
		`""`:                      {nil, []string{`null`, `0`, `" "`, `[]`}},
		`false`:                   {nil, []string{`null`, `true`, `0`, `""`}},
		`null`:                    {nil, []string{`{}`, `"null"`}},
		`[]`:                      {nil, []string{`{}`, `[null]`}},
		`[1,[2]]`:                 {[]string{`[1.0,[2]]`}, []string{`[[2],1]`, `[1,[3]]`, `[1]`}},
		`{"a":null}`:              {nil, []string{`{"b":null}`, `{}`, `{"a":null,"b":null}`, `null`}},
		`{"a":1,"b":{"c":2}}`:     {[]string{`{"b":{"c":2.0},"a":1}`}, []string{`{"a":1,"b":{"c":3}}`, `{"a":{"c":2},"b":1}`, `{"a":1,"c":{"c":2}}`}},
	} {
		for _, b := range append(others.equal, others.different...) {
			want := len(others.equal) > 0
			for _, d := range others.different {
				want = want && d != b
			}
			x, y := value(t, a), value(t, b)
			constant, enum := mustSchema(t, `{"const":`+a+`}`), mustSchema(t, `{"enum":["other",`+a+`]}`)
			if (constant.Validate(y) == nil) != want || (enum.Validate(y) == nil) != want || same(y, x) != want {
				t.Errorf("%s and %s: equal is not %v", a, b, want)
			}
			for _, list := range [][]any{{x, y}, append([]any{x}, append(filler, y)...)} {
				if i, found := repeated(list); found != want || found && i != len(list)-1 {
					t.Errorf("%s and %s among %d: repeated %v at %d", a, b, len(list), found, i)
				}
			}
			if (hashed(x) == hashed(y)) != want {
				t.Errorf("%s and %s: a list of these is slow", a, b)
			}
		}
	}
}

var testSeed = maphash.MakeSeed()

func hashed(v any) uint64 {
	var h maphash.Hash
	h.SetSeed(testSeed)
	hashInto(&h, v)
	return h.Sum64()
}

// TestBoundsOfNumbers: on both sides of each, as exactly as JSON can write it.
func TestBoundsOfNumbers(t *testing.T) {
	for schema, c := range map[string]struct {
		yes, no []string
		told    string
	}{
		`{"minimum":0}`:          {[]string{`0`, `-0`, `0.0`, `1e-300`}, []string{`-1e-300`, `-1`}, "must be at least 0"},
		`{"maximum":0.1}`:        {[]string{`0.1`, `1e-1`, `0.10`, `0.09999999999999999999999`}, []string{`0.10000000000000000000001`, `1`}, "must be at most 0.1"},
		`{"exclusiveMinimum":1}`: {[]string{`1.00000000000000000000001`, `2`}, []string{`1`, `1.0`, `0.99999999999999999999999`}, "must be greater than 1"},
		`{"exclusiveMaximum":1}`: {[]string{`0.99999999999999999999999`, `0`}, []string{`1`, `10e-1`, `1.00000000000000000000001`}, "must be less than 1"},
		`{"maximum":1e-7}`:       {[]string{`1e-7`}, []string{`2e-7`}, "must be at most 0.0000001"},
		`{"multipleOf":0.25}`:    {[]string{`0.5`, `-1`, `0`}, []string{`0.3`}, "must be a multiple of 0.25"},
		`{"minimum":9223372036854775808,"maximum":9223372036854775808}`: {[]string{`9223372036854775808`}, []string{`9223372036854775807`}, "must be at least 9223372036854775808"},
	} {
		s := mustSchema(t, schema)
		for _, v := range c.yes {
			if f := s.Validate(value(t, v)); f != nil {
				t.Errorf("%s: %s is refused", schema, v)
			}
		}
		for _, v := range c.no {
			if f := s.Validate(value(t, v)); len(f) != 1 || f[0].Message != c.told {
				t.Errorf("%s: %s: %s, want %s", schema, v, brief(f), c.told)
			}
		}
	}
}

// TestValuesThatNoJSONHolds: what strictjson lets nobody send is refused when a
// program hands it over, whatever is asked of it.
func TestValuesThatNoJSONHolds(t *testing.T) {
	for _, schema := range []string{
		`{"type":"integer"}`, `{"minimum":-1}`, `{"maximum":1}`, `{"exclusiveMinimum":-1}`, `{"exclusiveMaximum":1}`, `{"multipleOf":1}`,
		`{"format":"int32"}`, `{"format":"float"}`, `{"format":"double"}`, `{"const":1}`, `{"enum":[0]}`,
	} {
		for _, n := range []json.Number{"1.x", "1e99999999"} {
			s := mustSchema(t, schema)
			if out, _, _ := s.Prepare(n, Reject); out != n || s.Validate(n) == nil {
				t.Errorf("%s: %s becomes %v and passes", schema, n, out)
			}
		}
	}
	for _, v := range []any{1, 1.5, []string{"a"}, map[string]string{}, struct{}{}} {
		for _, schema := range []string{`{"minLength":0}`, `{"type":"null"}`, `{"type":"integer"}`, `{"$ref":"#/$defs/a","$defs":{"a":{"not":{"type":"string"}}}}`} {
			if f := mustSchema(t, schema).Validate(v); f == nil {
				t.Errorf("%s: %T passes", schema, v)
			}
		}
	}
	if got := brief(mustSchema(t, `{"title":"any"}`).Validate(1.5)); got != "type: is not a JSON value" {
		t.Errorf("a float: %s", got)
	}
}

// TestFilesInAValue: of a file a schema can say that it is a string, and nothing
// of what is in it.
func TestFilesInAValue(t *testing.T) {
	file := filePart{FormFile: &FormFile{Name: "a.png"}}
	form := map[string]any{"f": file, "list": []any{file, "text"}}
	for schema, fits := range map[string]bool{
		`{"properties":{"f":{"type":"string","maxLength":1}}}`:                                                    true,
		`{"properties":{"f":{"type":"integer"}}}`:                                                                 false,
		`{"properties":{"f":{"const":null}}}`:                                                                     false,
		`{"properties":{"f":{"enum":["a.png",""]}}}`:                                                              false,
		`{"properties":{"f":{"unevaluatedProperties":false}}}`:                                                    true,
		`{"properties":{"f":{"type":"string"},"list":{"items":{"type":"string"}}},"unevaluatedProperties":false}`: true,
		`{"properties":{"f":{"type":"integer"},"list":{}},"unevaluatedProperties":false}`:                         false,
		`{"properties":{"f":{"type":"string"}},"unevaluatedProperties":false}`:                                    false,
	} {
		if f := mustSchema(t, schema).Validate(form); (f == nil) != fits {
			t.Errorf("%s: %s", schema, brief(f))
		}
	}
}
