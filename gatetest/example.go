package gatetest

import (
	"encoding/json"
	"errors"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// maxDepth is how deep a value is made; a schema that needs more refers to
// itself.
const maxDepth = 16

// value makes a value that fits a schema: what the document gives as an example,
// else the least that the keywords ask for. It does not know every keyword; the
// contract is asked afterwards whether the value fits.
func (d *document) value(schema any) (any, error) { return d.valueAt(schema, maxDepth) }

func (d *document) valueAt(schema any, depth int) (any, error) {
	if depth == 0 {
		return nil, errors.New("the schema has no end")
	}
	m := d.joined(schema, maxDepth)
	if v, ok := fixedValue(m); ok {
		return v, nil
	}
	for _, key := range []string{"oneOf", "anyOf"} {
		if list, _ := m[key].([]any); len(list) > 0 {
			with := maps.Clone(m)
			delete(with, key)
			return d.valueAt(merge(with, d.joined(list[0], maxDepth)), depth-1)
		}
	}
	switch kindOf(m) {
	case "object":
		return d.object(m, depth)
	case "array":
		return d.array(m, depth)
	case "string":
		return text(m), nil
	case "integer", "number":
		return number(m), nil
	case "boolean":
		return true, nil
	case "null":
		return nil, nil
	default:
		return "x", nil
	}
}

// exampleOf reads example and examples of a media type or parameter.
func exampleOf(m map[string]any) (any, bool) {
	if v, ok := m["example"]; ok {
		return v, true
	}
	named, _ := m["examples"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if e, ok := named[name].(map[string]any); ok {
			if v, ok := e["value"]; ok {
				return v, true
			}
		}
	}
	return nil, false
}

// fixedValue is what a schema states as a value.
func fixedValue(m map[string]any) (any, bool) {
	for _, key := range []string{"const", "example"} {
		if v, ok := m[key]; ok {
			return v, true
		}
	}
	for _, key := range []string{"examples", "enum"} {
		if list, _ := m[key].([]any); len(list) > 0 {
			return list[0], true
		}
	}
	v, ok := m["default"]
	return v, ok
}

// joined is a schema with its $ref and allOf in one.
func (d *document) joined(schema any, depth int) map[string]any {
	m, _ := schema.(map[string]any)
	if depth == 0 {
		return m
	}
	out := map[string]any{}
	if _, refers := m["$ref"]; refers {
		out = maps.Clone(d.joined(d.follow(m), depth-1))
	}
	out = merge(out, m)
	delete(out, "$ref")
	delete(out, "allOf")
	all, _ := m["allOf"].([]any)
	for _, part := range all {
		out = merge(out, d.joined(part, depth-1))
	}
	return out
}

// merge adds the keywords of b to those of a: properties and required together,
// the others of b win.
func merge(a, b map[string]any) map[string]any {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]any{}
	}
	for key, v := range b {
		switch key {
		case "properties":
			have, _ := out[key].(map[string]any)
			more, _ := v.(map[string]any)
			both := maps.Clone(have)
			if both == nil {
				both = map[string]any{}
			}
			maps.Copy(both, more)
			out[key] = both
		case "required":
			have, _ := out[key].([]any)
			more, _ := v.([]any)
			out[key] = slices.Concat(have, more)
		default:
			out[key] = v
		}
	}
	return out
}

func kindOf(m map[string]any) string {
	switch t := m["type"].(type) {
	case string:
		return t
	case []any:
		for _, v := range t {
			if s, _ := v.(string); s != "null" {
				return s
			}
		}
		return "null"
	}
	for key, kind := range map[string]string{"properties": "object", "required": "object", "items": "array", "pattern": "string", "format": "string", "minimum": "number"} {
		if _, ok := m[key]; ok {
			return kind
		}
	}
	return ""
}

func (d *document) object(m map[string]any, depth int) (any, error) {
	out := map[string]any{}
	properties, _ := m["properties"].(map[string]any)
	required, _ := m["required"].([]any)
	for _, r := range required {
		name, _ := r.(string)
		if !d.sent(properties[name]) {
			continue // it is not asked of a client
		}
		v, err := d.valueAt(properties[name], depth-1)
		if err != nil {
			return nil, err
		}
		out[name] = v
	}
	least := int(whole(m["minProperties"]))
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if _, there := out[name]; there || len(out) >= least || !d.sent(properties[name]) {
			continue
		}
		v, err := d.valueAt(properties[name], depth-1)
		if err != nil {
			return nil, err
		}
		out[name] = v
	}
	return out, nil
}

// sent tells whether every client may send a member.
func (d *document) sent(schema any) bool {
	m := d.joined(schema, maxDepth)
	roles, _ := writeRoles(m)
	return roles == nil && m["readOnly"] != true
}

func (d *document) array(m map[string]any, depth int) (any, error) {
	out := []any{}
	for i := range int(whole(m["minItems"])) {
		v, err := d.valueAt(m["items"], depth-1)
		if err != nil {
			return nil, err
		}
		if m["uniqueItems"] == true {
			v = d.different(v, m["items"], i)
		}
		out = append(out, v)
	}
	return out, nil
}

// formats are texts of the formats of JSON Schema 2020-12.
func formats() map[string]string {
	return map[string]string{
		"date-time": "2026-01-02T03:04:05Z", "date": "2026-01-02", "time": "03:04:05Z", "duration": "P1D",
		"email": "someone@example.org", "idn-email": "someone@example.org", "hostname": "example.org", "idn-hostname": "example.org",
		"ipv4": "192.0.2.1", "ipv6": "2001:db8::1", "uri": "https://example.org/", "iri": "https://example.org/",
		"uri-reference": "/a", "iri-reference": "/a", "uri-template": "/{a}", "uuid": "0190b0c8-0000-7000-8000-000000000001",
		"json-pointer": "/a", "relative-json-pointer": "1/a", "regex": "a", "byte": "YQ==",
	}
}

// text is a string for a format, a pattern, or a length.
func text(m map[string]any) string {
	format, _ := m["format"].(string)
	if s, ok := formats()[format]; ok {
		return s
	}
	if pattern, _ := m["pattern"].(string); pattern != "" {
		return matching(pattern, int(whole(m["minLength"])))
	}
	const words = "gatetest example "
	least := int(whole(m["minLength"]))
	s := strings.Repeat(words, least/len(words)+1)[:max(least, len("gatetest"))]
	if most, ok := m["maxLength"]; ok {
		s = s[:min(len(s), int(whole(most)))]
	}
	return strings.TrimSuffix(s, " ") + strings.Repeat("x", len(s)-len(strings.TrimSuffix(s, " ")))
}

// number is the least number above 0 that the keywords allow, as far as that is
// simple.
func number(m map[string]any) json.Number {
	n := big.NewRat(1, 1)
	step := big.NewRat(1, 1)
	if by, ok := rat(m["multipleOf"]); ok {
		n.Set(by)
		step.Set(by)
	}
	if least, ok := rat(m["minimum"]); ok && n.Cmp(least) < 0 {
		n = above(least, step)
	}
	if bound, ok := rat(m["exclusiveMinimum"]); ok && n.Cmp(bound) <= 0 {
		if n = above(bound, step); n.Cmp(bound) == 0 {
			n.Add(n, step)
		}
	}
	if most, ok := rat(m["maximum"]); ok && n.Cmp(most) > 0 {
		n = most
	}
	if n.IsInt() {
		return json.Number(n.Num().String())
	}
	return json.Number(strings.TrimRight(n.FloatString(12), "0"))
}

// differentText makes another text of the format, of the pattern, or of the length.
func differentText(v string, m map[string]any, n int) string {
	if pattern, _ := m["pattern"].(string); pattern != "" {
		return matching(pattern, len(v)+n)
	}
	mark := strconv.Itoa(n)
	if most, ok := m["maxLength"]; ok && len(v)+len(mark) > int(whole(most)) {
		return v[:max(0, len(v)-len(mark))] + mark
	}
	format, _ := m["format"].(string)
	at := strings.LastIndexAny(v, "0123456789")
	switch {
	case formats()[format] == "":
		return v + mark
	case at >= 0: // of dates, addresses and identifiers
		return v[:at] + strconv.Itoa((int(v[at]-'0')+n)%10) + v[at+1:]
	case strings.HasSuffix(format, "email") || strings.HasSuffix(format, "hostname"):
		return mark + v
	}
	return v + mark
}

func differentNumber(v any, m map[string]any, n int) any {
	r, ok := rat(v)
	if !ok {
		return v
	}
	step, stated := rat(m["multipleOf"])
	if !stated {
		step = big.NewRat(1, 1)
	}
	r.Add(r, new(big.Rat).Mul(step, big.NewRat(int64(n), 1)))
	if r.IsInt() {
		return json.Number(r.Num().String())
	}
	return json.Number(strings.TrimRight(r.FloatString(12), "0"))
}

// above is the first multiple of step at or above least.
func above(least, step *big.Rat) *big.Rat {
	times := new(big.Rat).Quo(least, step)
	up := new(big.Int).Neg(new(big.Int).Div(new(big.Int).Neg(times.Num()), times.Denom()))
	return new(big.Rat).Mul(new(big.Rat).SetInt(up), step)
}

func rat(v any) (*big.Rat, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return nil, false
	}
	return new(big.Rat).SetString(n.String())
}

func whole(v any) int64 {
	r, ok := rat(v)
	if !ok || !r.IsInt() {
		return 0
	}
	return r.Num().Int64()
}

// plainText writes a value as the text of a parameter.
func plainText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "true"
		}
		return "false"
	case []any:
		var parts []string
		for _, item := range v {
			parts = append(parts, plainText(item))
		}
		return strings.Join(parts, ",")
	}
	return ""
}
