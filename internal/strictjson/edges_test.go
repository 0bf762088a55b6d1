package strictjson

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// TestBracketsInStringsDoNotNest: only the structure counts, however a string is
// escaped, and what is closed counts no more.
func TestBracketsInStringsDoNotNest(t *testing.T) {
	many := strings.Repeat("[", MaxDepth+8)
	for name, tt := range map[string]struct {
		text string
		want error
	}{
		"in a string":                   {`"` + many + `"`, nil},
		"behind an escaped quote":       {`"\"` + many + `"`, nil},
		"behind an escaped backslash":   {`["\\",` + many + strings.Repeat("]", MaxDepth+8) + `]`, ErrDepth},
		"arrays side by side":           {"[" + strings.Repeat("[],", MaxDepth+8) + "[]]", nil},
		"objects side by side":          {"[" + strings.Repeat("{},", MaxDepth+8) + "{}]", nil},
		"closed in strings, not really": {strings.Repeat(`["]",`, MaxDepth+1) + "1" + strings.Repeat("]", MaxDepth+1), ErrDepth},
	} {
		if _, err := Decode([]byte(tt.text)); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

func TestEmptyIsNotBroken(t *testing.T) {
	for text, want := range map[string]bool{"": true, " \r\n\t": true, "{": false, `{"a":`: false, "[1,": false, `"a`: false, "x": false} {
		_, err := Decode([]byte(text))
		var v any
		if again := Unmarshal([]byte(text), &v); errors.Is(err, ErrEmpty) != want || errors.Is(again, ErrEmpty) != want || err == nil || again == nil {
			t.Errorf("%q: %v and %v; empty: want %v", text, err, again, want)
		}
	}
}

// refusing takes no value at all.
type refusing struct{}

func (*refusing) UnmarshalJSON([]byte) error { return errors.New("no") }

// TestWhatDoesNotFitIsNamed: which kind of value, and which fault, in words.
func TestWhatDoesNotFitIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		`{"n":"x"}`: "a JSON string does not fit", `{"n":true}`: "a JSON boolean does not fit", `{"n":false}`: "a JSON boolean does not fit",
		`{"n":[1]}`: "a JSON array does not fit", `{"n":{}}`: "a JSON object does not fit", `{"s":1}`: "a JSON number does not fit",
		`{"r":null}`:    "a JSON null does not fit",
		`{"n":1,"n":2}`: "a member name stands twice", `{"n":01}`: "not well-formed JSON at byte",
	} {
		var v struct {
			N int      `json:"n"`
			S string   `json:"s"`
			R refusing `json:"r"`
		}
		if err := Unmarshal([]byte(text), &v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if _, err := Decode([]byte(`{"n":1,"n":2}`)); err == nil || err.Error() != "a member name stands twice in one object" {
		t.Error(err)
	}
}

func TestValuesBesideEachOther(t *testing.T) {
	for text, want := range map[string]any{
		`[false,1]`: []any{false, json.Number("1")}, `[true,null,false]`: []any{true, nil, false}, `[null , 2]`: []any{nil, json.Number("2")},
		`{"a":false,"b":null,"c":true}`: map[string]any{"a": false, "b": nil, "c": true}, `"\n"`: "\n", `"a\n"`: "a\n", `["\"",1]`: []any{`"`, json.Number("1")},
	} {
		if got, err := Decode([]byte(text)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %#v, %v; want %#v", text, got, err, want)
		}
	}
}

func TestNumbersAtTheirBounds(t *testing.T) {
	for text, want := range map[string]error{
		"1." + strings.Repeat("1", MaxNumber-2): nil, "1." + strings.Repeat("1", MaxNumber-1): ErrNumber,
		"1e308": nil, "1e309": ErrNumber, "1e-320": nil, "1e-400": ErrNumber, "0e+0000": nil, "0e+00000": ErrNumber, "0e99999": nil, "0e999999": ErrNumber, "0e-9999": nil, "0.0e0": nil,
		strings.Repeat("9", 308): nil, strings.Repeat("9", 310): ErrNumber, "-" + strings.Repeat("9", 310): ErrNumber,
	} {
		if _, err := Decode([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%.20s (%d characters): %v, want %v", text, len(text), err, want)
		}
	}
}

func TestMarshalRefusesWhatIsNoNumber(t *testing.T) {
	if b, err := Marshal(map[string]any{"n": json.Number("nope")}); err == nil {
		t.Errorf("%s", b)
	}
}
