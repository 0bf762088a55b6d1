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
		return true
	}
	return k == kindNumber && m&kindInteger != 0 && isInteger(v.(json.Number))
}

// plainInteger tells whether n is written with digits alone, so that every
// reader takes it for the same integer.
func plainInteger(n json.Number) bool { return !strings.ContainsAny(string(n), ".eE") }

func isInteger(n json.Number) bool {
	return plainInteger(n) || numeralOf(n).whole()
}

func rat(n json.Number) (*big.Rat, bool) { return new(big.Rat).SetString(string(n)) }

// bound is a limit that numbers are compared with.
type bound struct {
	keyword, text string
	allows        sides
	exact         *big.Rat
	float         float64 // the nearest
	spelt         string
	numeral       numeral
}

// sides is where a number stands to a bound; 0 for one too large or too small to
// compute with, which strictjson lets nobody send.
type sides uint8

const (
	below sides = 1 << iota
	at
	above
)

func newBound(limit *big.Rat, keyword string, allows sides, text func(string) string) *bound {
	if limit == nil {
		return nil
	}
	spelt := ratText(limit)
	nearest, _ := limit.Float64()
	return &bound{keyword, text(spelt), allows, limit, nearest, spelt, numeralOf(json.Number(spelt))}
}

// compare tells on which side of the bound n is. Rounding keeps the order, so two
// floats that differ decide; what they leave open is computed exactly, if it is not
// the bound itself.
func (b *bound) compare(n json.Number) sides {
	if string(n) == b.spelt {
		return at
	}
	var order int
	if f, err := n.Float64(); err == nil && f != b.float {
		order = cmp.Compare(f, b.float)
	} else if numeralOf(n) == b.numeral {
		return at
	} else if r, ok := rat(n); ok {
		order = r.Cmp(b.exact)
	} else {
		return 0
	}
	if order == -1 {
		return below
	}
	return above
}

// ratText writes a number of the contract in decimals, exactly.
func ratText(r *big.Rat) string {
	places, _ := r.FloatPrec()
	return r.FloatString(places)
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
		return ok && (a == b || numeralOf(a) == numeralOf(b))
	case string:
		b, ok := b.(string)
		return ok && a == b
	case bool:
		b, ok := b.(bool)
		return ok && a == b
	}
	return a == nil && b == nil
}

// repeated finds the first item that an earlier one equals. Values are hashed
// with a secret seed: a list made to collide would cost the square of its length.
func repeated(list []any) (at int, found bool) {
	if len(list) <= 8 {
		for i := range list {
			for j := range i {
				if same(list[i], list[j]) {
					return i, true
				}
			}
		}
		return
	}
	var h maphash.Hash
	seen := make(map[uint64][]int, len(list))
	for i, v := range list {
		h.Reset()
		hashInto(&h, v)
		sum := h.Sum64()
		for _, j := range seen[sum] {
			if same(v, list[j]) {
				return i, true
			}
		}
		seen[sum] = append(seen[sum], i)
	}
	return
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
		maphash.WriteComparable(h, numeralOf(v)) // were it a float64, a list of long numbers could be made to collide
	}
}
