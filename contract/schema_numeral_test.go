package contract

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"
)

// TestNumeralsAreNumbers: two are equal when the numbers are, and what is told of
// one is what exact arithmetic says.
func TestNumeralsAreNumbers(t *testing.T) {
	var all []json.Number
	for _, digits := range []string{"0", "1", "10", "100", "12", "120", "1200", "7", "0.1", "0.10", "0.01", "1.0", "1.20", "12.5", "2.5", "0.25", "100.001", "30.000"} {
		for _, exponent := range []string{"", "e0", "E+1", "e-1", "e2", "e-3", "e30", "e-30"} {
			all = append(all, json.Number(digits+exponent), json.Number("-"+digits+exponent))
		}
	}
	divisors := []*divisor{}
	for _, of := range []string{"1", "2", "10", "0.01", "0.25", "2.5", "3", "7e-3", "1e20", "18446744073709551617", "1e-30"} {
		r, _ := rat(json.Number(of))
		divisors = append(divisors, newDivisor(r))
	}
	for _, a := range all {
		ra, _ := rat(a)
		for _, b := range all {
			if rb, _ := rat(b); same(a, b) != (ra.Cmp(rb) == 0) {
				t.Errorf("%s and %s", a, b)
			}
		}
		if isInteger(a) != ra.IsInt() {
			t.Errorf("%s is an integer: %v", a, isInteger(a))
		}
		n, ok := numeralOf(a).written()
		if short := ra.IsInt() && len(ra.Num().String()) <= 40; ok != short || ok && string(n) != ra.Num().String() {
			t.Errorf("%s is written %s", a, n)
		}
		for _, d := range divisors {
			if want := new(big.Rat).Quo(ra, d.Rat).IsInt(); d.divides(a) != want {
				t.Errorf("%s is a multiple of %s: %v", a, d.Rat, !want)
			}
		}
	}
}

// TestNumbersBeyondWhatIsSent: a program may hand over what nobody can send. What is
// too large to count with is a multiple of nothing, and no integer unless its digits
// say so.
func TestNumbersBeyondWhatIsSent(t *testing.T) {
	one, large := newDivisor(big.NewRat(1, 1)), newDivisor(new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(1), 64)))
	for n, want := range map[json.Number]struct{ integer, multiple bool }{
		"1e999": {true, true}, "1e1000": {false, false}, "1e99999999999999999999": {false, false}, "1e-99999999999999999999": {false, false},
		json.Number("1" + strings.Repeat("0", 1000)): {true, false},
	} {
		if isInteger(n) != want.integer || one.divides(n) != want.multiple {
			t.Errorf("%.30s is an integer: %v, and a multiple of 1: %v", n, isInteger(n), one.divides(n))
		}
	}
	if large.divides("1x") || !large.divides("36893488147419103232") || large.divides("36893488147419103233") {
		t.Error("what is a multiple of two to the 64 is told wrongly")
	}
	if same(json.Number("e5"), json.Number("0")) {
		t.Error("what is no number is nought")
	}
	if !same(json.Number("1e99999999999999999999"), json.Number("1e99999999999999999999")) || same(json.Number("1e99999999999999999999"), json.Number("1e99999999999999999998")) {
		t.Error("an exponent without end makes two numbers equal that are not")
	}
}

// TestExponentsThatGrowABody: an integer of hundreds of digits in five bytes stays
// the five bytes that it was, and a list that is too long is not made longer.
func TestExponentsThatGrowABody(t *testing.T) {
	op := &Operation{Body: bodyOf(t, `{"application/json":{"schema":{"properties":{"a":{"items":{"type":"integer"}},"b":{"maxItems":2,"items":{"type":"integer"}}}}}}`, true)}
	const sent = `{"a":[1e308,-1e308,1e40,12.5e39]}`
	if d, err := op.Decode("guest", "application/json", []byte(sent)); err != nil || string(d.Body) != sent {
		t.Errorf("%s becomes %s %v", sent, d.Body, err)
	}
	const short, digits = `{"a":[1e39,-1.5e1,0e5,-0.0,3]}`, `{"a":[1000000000000000000000000000000000000000,-15,0,0,3]}`
	if d, err := op.Decode("guest", "application/json", []byte(short)); err != nil || string(d.Body) != digits {
		t.Errorf("%s becomes %s %v", short, d.Body, err)
	}
	p := preparer{way: request, role: anyRole}
	long := value(t, `{"b":[1e3,1e3,1e3]}`)
	if out, changed := p.whole(op.Body.Content["application/json"].Schema.shape, long); changed || !p.numbers {
		t.Errorf("before it was validated it is %v", out)
	}
	if _, err := op.Decode("guest", "application/json", []byte(`{"b":[1e3,1e3,1e3]}`)); refusal(err) != "Bad Request\n/b maxItems: must have at most 2 items" {
		t.Errorf("too many: %s", refusal(err))
	}
	nested := mustSchema(t, `{"prefixItems":[{"type":"integer"}],"items":{"properties":{"a":{"type":"integer"}},"additionalProperties":{"type":"integer"}}}`)
	in := value(t, `[2.0,{"a":2e0,"b":2.0,"c":"x"}]`)
	if out, changed, _ := nested.Prepare(in, Reject); !changed || fmt.Sprint(out) != "[2 map[a:2 b:2 c:x]]" || fmt.Sprint(in) != "[2.0 map[a:2e0 b:2.0 c:x]]" {
		t.Errorf("%v becomes %v", in, out)
	}
}

// TestNumbersThatCostTheirLength: a megabyte of numbers is read in the time of a
// megabyte, whatever they are compared with.
func TestNumbersThatCostTheirLength(t *testing.T) {
	enum := make([]string, 1000)
	for i := range enum {
		enum[i] = fmt.Sprint(i)
	}
	repeat := func(text string) any {
		return value(t, "["+strings.TrimSuffix(strings.Repeat(text+",", 1_000_000/(len(text)+1)), ",")+"]")
	}
	for name, c := range map[string]struct{ schema, number string }{
		"an enum of a thousand": {`{"items":{"enum":[` + strings.Join(enum, ",") + `]}}`, "999.0"},
		"a multiple of a cent":  {`{"items":{"multipleOf":0.01}}`, "1e308"},
		"integers":              {`{"items":{"type":"integer"}}`, "1e308"},
		"long ones, in an enum": {`{"items":{"enum":[` + strings.Join(enum, ",") + `]}}`, "30." + strings.Repeat("0", 500)},
		"compared with a bound": {`{"items":{"maximum":30}}`, "30.0"},
	} {
		s, v := mustSchema(t, c.schema), repeat(c.number)
		began := time.Now()
		if f := s.Validate(v); f != nil {
			t.Errorf("%s: %s", name, brief(f))
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s takes %v", name, took)
		}
	}
}
