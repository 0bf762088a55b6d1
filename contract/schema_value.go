package contract

import (
	"cmp"
	"encoding/json"
	"hash/maphash"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// kindMask is a set of JSON types.
type kindMask uint8

const (
	kindNull kindMask = 1 << iota
	kindBoolean
	kindInteger
	kindNumber
	kindString
	kindArray
	kindObject
)

var kindNames = []struct {
	kind kindMask
	name string // as JSON Schema writes it
	text string // as a person reads it after "must be"
}{
	{kindString, "string", "a string"},
	{kindInteger, "integer", "an integer"},
	{kindNumber, "number", "a number"},
	{kindBoolean, "boolean", "true or false"},
	{kindArray, "array", "an array"},
	{kindObject, "object", "an object"},
	{kindNull, "null", "null"},
}

func kindsNamed(names []string) kindMask {
	var m kindMask
	for _, k := range kindNames {
		if slices.Contains(names, k.name) {
			m |= k.kind
		}
	}
	return m
}

// kindOf is the type of a value as strictjson.Decode gives it; 0 for any other.
func kindOf(v any) kindMask {
	switch v.(type) {
	case nil:
		return kindNull
	case bool:
		return kindBoolean
	case json.Number:
		return kindNumber
	case string, filePart:
		return kindString
	case []any:
		return kindArray
	case map[string]any:
		return kindObject
	}
	return 0
}

// fits tells whether a value of kind k is of one of the types. A number without
// a fraction is an integer, however it is written (JSON Schema core §4.2.3).
func (m kindMask) fits(k kindMask, v any) bool {
	if m&k != 0 {
		return k != 0
	}
	return k == kindNumber && m&kindInteger != 0 && isInteger(v.(json.Number))
}

// plainInteger tells whether n is written with digits alone, so that every
// reader takes it for the same integer.
func plainInteger(n json.Number) bool { return !strings.ContainsAny(string(n), ".eE") }

func isInteger(n json.Number) bool {
	if plainInteger(n) {
		return true
	}
	r, ok := rat(n)
	return ok && r.IsInt()
}

func rat(n json.Number) (*big.Rat, bool) { return new(big.Rat).SetString(string(n)) }

// bound is a limit that numbers are compared with.
type bound struct {
	exact *big.Rat
	whole int64 // when small: the bound
	float float64
	small bool // the bound is an integer that a float64 holds exactly
	text  string
}

func newBound(r *big.Rat) *bound {
	if r == nil {
		return nil
	}
	b := &bound{exact: r, text: ratText(r)}
	if f, exact := r.Float64(); exact && r.IsInt() && r.Num().IsInt64() {
		b.whole, b.float, b.small = r.Num().Int64(), f, true
	}
	return b
}

// outside is what compare returns for a number too large or too small to compute
// with, which strictjson lets nobody send: it is on the wrong side of any bound.
const outside = 2

// compare returns -1, 0 or 1 as n is below, at or above the bound, or outside.
func (b *bound) compare(n json.Number) int {
	if b.small && plainInteger(n) {
		if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
			return cmp.Compare(i, b.whole)
		}
	}
	if f, err := strconv.ParseFloat(string(n), 64); b.small && err == nil && f != b.float {
		return cmp.Compare(f, b.float) // rounding keeps the order, and the bound is exact
	}
	r, ok := rat(n)
	if !ok {
		return outside
	}
	return r.Cmp(b.exact)
}

func multiple(n json.Number, of *big.Rat) bool {
	r, ok := rat(n)
	return ok && r.Quo(r, of).IsInt()
}

func ratText(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// same tells whether two values are equal as JSON Schema means it: numbers by
// their value, objects without regard to order (core §4.2.2).
func same(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k, v := range a {
			if w, ok := b[k]; !ok || !same(v, w) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, same)
	case json.Number:
		b, ok := b.(json.Number)
		return ok && sameNumber(a, b)
	case string:
		b, ok := b.(string)
		return ok && a == b
	case bool:
		b, ok := b.(bool)
		return ok && a == b
	}
	return a == nil && b == nil
}

func sameNumber(a, b json.Number) bool {
	if a == b || plainInteger(a) && plainInteger(b) && a != "-0" && b != "-0" {
		return a == b
	}
	x, ok1 := rat(a)
	y, ok2 := rat(b)
	return ok1 && ok2 && x.Cmp(y) == 0
}

// repeated returns the index of the first item that an earlier one equals, -1
// when all differ. Values are hashed with a secret seed: a list made to collide
// would cost the square of its length.
func repeated(list []any) int {
	if len(list) <= 8 {
		for i := range list {
			for j := range i {
				if same(list[i], list[j]) {
					return i
				}
			}
		}
		return -1
	}
	var h maphash.Hash
	seen := make(map[uint64][]int, len(list))
	for i, v := range list {
		h.Reset()
		hashInto(&h, v)
		sum := h.Sum64()
		for _, j := range seen[sum] {
			if same(v, list[j]) {
				return i
			}
		}
		seen[sum] = append(seen[sum], i)
	}
	return -1
}

func hashInto(h *maphash.Hash, v any) {
	_ = h.WriteByte(byte(kindOf(v))) // a maphash never fails
	switch v := v.(type) {
	case map[string]any:
		for _, k := range sortedKeys(v) {
			_, _ = h.WriteString(k)
			hashInto(h, v[k])
		}
	case []any:
		for _, item := range v {
			hashInto(h, item)
		}
	case string:
		_, _ = h.WriteString(v)
	case bool:
		_, _ = h.WriteString(strconv.FormatBool(v))
	case json.Number:
		_, _ = h.WriteString(spelling(v))
	}
}

// spelling is the same text for equal numbers, and another for others: were it a
// float64, a list of long numbers could be made to collide.
func spelling(n json.Number) string {
	if plainInteger(n) && n != "-0" {
		return string(n)
	}
	r, ok := rat(n)
	if !ok {
		return string(n)
	}
	return r.RatString()
}
