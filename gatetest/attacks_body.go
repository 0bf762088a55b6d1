package gatetest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// canary is a value that no answer may hold.
const canary = "gatetest-canary-7f3a"

// takesObject tells whether o takes a JSON object.
func takesObject(o *operation) bool {
	return o.media != "" && bytes.HasPrefix(bytes.TrimSpace(o.body), []byte("{"))
}

func refusesUnknown(o *operation) bool { return o.op.Unknown == contract.Reject || o.op.Unknown == "" }

// closed tells whether the contract refuses a member that it does not name.
func closed(o *operation) bool {
	if !takesObject(o) {
		return false
	}
	return o.refusal("guest", withMember(o.body, `"gatetest_unknown":1`)) != nil
}

// withMember puts a member in front of those of an object.
func withMember(object []byte, member string) []byte {
	rest := bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(object), []byte("{")))
	if !bytes.HasPrefix(rest, []byte("}")) {
		member += ","
	}
	return append([]byte("{"+member), rest...)
}

// bodyAttack is one way to spoil a body.
type bodyAttack struct {
	name   string
	fits   func(*operation) bool
	spoil  func(o *operation) []byte
	status int
}

func bodyAttacks(s *suite) []Attack {
	filled := func(o *operation) bool { return takesObject(o) && bytes.Contains(o.body, []byte(":")) }
	needed := func(o *operation) bool { return takesObject(o) && o.op.Body.Required }
	deep := strings.Repeat("[", 100_000)
	var rows []Attack
	for _, a := range []bodyAttack{
		{"body: member sent twice", filled, twice, http.StatusBadRequest},
		{"body: a second value behind", takesObject, func(o *operation) []byte { return append(bytes.Clone(o.body), o.body...) }, http.StatusBadRequest},
		{"body: text behind", takesObject, func(o *operation) []byte { return append(bytes.Clone(o.body), "x"...) }, http.StatusBadRequest},
		{"body: cut short", takesObject, func(o *operation) []byte { return bytes.TrimSuffix(bytes.TrimSpace(o.body), []byte("}")) }, http.StatusBadRequest},
		{"body: nested without end", takesObject, func(o *operation) []byte { return []byte(deep[:min(len(deep), int(o.op.MaxBody)/2)]) }, http.StatusBadRequest},
		{"body: invalid UTF-8", takesObject, func(o *operation) []byte { return o.inText("\xff", "\"gatetest\":\"\xff\xfe\"") }, http.StatusBadRequest},
		{"body: byte order mark", takesObject, func(o *operation) []byte { return append([]byte("\xef\xbb\xbf"), o.body...) }, http.StatusBadRequest},
		{"body: comment", takesObject, func(o *operation) []byte { return append([]byte("/* */"), o.body...) }, http.StatusBadRequest},
		{"body: no number that JSON knows", takesObject, func(o *operation) []byte { return o.inNumber("NaN", `"gatetest":NaN`) }, http.StatusBadRequest},
		{"body: lone surrogate", takesObject, func(o *operation) []byte { return o.inText(`\ud800`, `"gatetest":"\ud800"`) }, http.StatusBadRequest},
		{"body: single quotes", filled, func(o *operation) []byte { return bytes.ReplaceAll(o.body, []byte(`"`), []byte("'")) }, http.StatusBadRequest},
		{"body: trailing comma", filled, func(o *operation) []byte {
			return append(bytes.TrimSuffix(bytes.TrimSpace(bytes.Clone(o.body)), []byte("}")), ",}"...)
		}, http.StatusBadRequest},
		{"body: larger than the limit", takesObject, large, http.StatusRequestEntityTooLarge},
		{"body: none", needed, func(*operation) []byte { return nil }, http.StatusBadRequest},
		{"body: text in place of an object", takesObject, func(*operation) []byte { return []byte(`"` + canary + `"`) }, http.StatusBadRequest},
		{"body: array in place of an object", takesObject, func(*operation) []byte { return []byte(`["` + canary + `"]`) }, http.StatusBadRequest},
		{"body: member that the contract does not name", closed, func(o *operation) []byte { return withMember(o.body, `"gatetest_unknown":"`+canary+`"`) }, http.StatusBadRequest},
		{"body: member that is read-only", func(o *operation) bool { return o.readOnly != "" && refusesUnknown(o) }, func(o *operation) []byte { return withMember(o.body, o.readOnly) }, http.StatusBadRequest},
		{"body: member __proto__", closed, func(o *operation) []byte { return withMember(o.body, `"__proto__":{"admin":true}`) }, http.StatusBadRequest},
	} {
		rows = append(rows, s.eachReached(a.name, a.fits, func(h http.Handler, o *operation) error {
			return s.refusedSilently(h, body(s.request(o, s.entitled(o)), a.spoil(o)), a.statuses()...)
		})...)
	}
	return rows
}

func (a bodyAttack) statuses() []int {
	if a.status == http.StatusBadRequest {
		return []int{http.StatusBadRequest, http.StatusUnprocessableEntity}
	}
	return []int{a.status}
}

// inText puts raw bytes behind a text of the body that the contract lets be
// longer, so that nothing else is wrong with the body; where there is none, in
// front of the members stands another one.
func (o *operation) inText(raw, another string) []byte {
	return o.inMember(another, func(v any) (any, []byte, []byte) {
		text, ok := v.(string)
		longer, err := strictjson.Marshal(text + "q")
		if !ok || err != nil {
			return nil, nil, nil
		}
		return text + "q", longer, append(bytes.TrimSuffix(bytes.Clone(longer), []byte(`q"`)), raw+`"`...)
	})
}

// inNumber puts raw bytes in the place of a number of the body.
func (o *operation) inNumber(raw, another string) []byte {
	return o.inMember(another, func(v any) (any, []byte, []byte) {
		n, ok := v.(json.Number)
		if !ok {
			return nil, nil, nil
		}
		return n, []byte(":" + n.String()), []byte(":" + raw)
	})
}

func (o *operation) inMember(another string, change func(any) (other any, from, to []byte)) []byte {
	v, err := strictjson.Decode(o.body)
	members, _ := v.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		other, from, to := change(members[name])
		if err != nil || from == nil {
			continue
		}
		with := maps.Clone(members)
		with[name] = other
		body, err := strictjson.Marshal(with)
		if err != nil {
			continue
		}
		if o.refusal("guest", body) == nil && bytes.Contains(body, from) {
			return bytes.Replace(body, from, to, 1)
		}
	}
	return withMember(o.body, another)
}

// twice repeats the first member, whatever it is.
func twice(o *operation) []byte {
	name, _, _ := bytes.Cut(bytes.TrimPrefix(bytes.TrimSpace(o.body), []byte("{")), []byte(":"))
	return withMember(o.body, string(bytes.TrimSpace(name))+`:null`)
}

func large(o *operation) []byte {
	return append(bytes.Clone(o.body), bytes.Repeat([]byte(" "), int(o.op.MaxBody)+1)...)
}

// mediaAttacks say of a body that fits that it is something else.
func mediaAttacks(s *suite) []Attack {
	var rows []Attack
	for _, a := range []struct {
		name   string
		header string
		values []string
	}{
		{"media type that nobody takes", "Content-Type", []string{"application/x-gatetest"}},
		{"media type that a form can send", "Content-Type", []string{"text/plain"}},
		{"no media type", "Content-Type", nil},
		{"charset other than UTF-8", "Content-Type", []string{"application/json; charset=utf-7"}},
		{"two media types", "Content-Type", []string{"application/json", "text/plain"}},
		{"compressed body that is none", "Content-Encoding", []string{"gzip"}},
		{"encoding that nobody knows", "Content-Encoding", []string{"gatetest"}},
	} {
		fits := func(o *operation) bool {
			if !takesObject(o) {
				return false
			}
			other, _ := o.op.Body.Media("text/plain")
			return other == nil || a.name != "media type that a form can send"
		}
		rows = append(rows, s.eachReached(a.name, fits, func(h http.Handler, o *operation) error {
			r := s.request(o, s.entitled(o))
			r.Header[a.header] = a.values
			return s.refused(h, r, http.StatusUnsupportedMediaType, http.StatusBadRequest)
		})...)
	}
	return append(rows, s.eachReached("compressed body that is a bomb", takesObject, func(h http.Handler, o *operation) error {
		bomb, err := squeezed(large(o))
		if err != nil {
			return err
		}
		r := body(s.request(o, s.entitled(o)), bomb)
		r.Header.Set("Content-Encoding", "gzip")
		return s.refused(h, r, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusBadRequest)
	})...)
}

func squeezed(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	err = errors.Join(err, w.Close())
	return b.Bytes(), err
}
