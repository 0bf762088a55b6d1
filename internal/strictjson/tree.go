package strictjson

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// tree builds values out of text that is known to be one well-formed JSON
// value. Strings without escapes and numbers are parts of text, not copies.
type tree struct {
	text      string
	at        int
	badNumber bool
}

func (t *tree) value() any {
	t.space()
	switch c := t.text[t.at]; c {
	case '{':
		return t.object()
	case '[':
		return t.array()
	case '"':
		return t.str()
	case 't':
		t.at += len("true")
		return true
	case 'f':
		t.at += len("false")
		return false
	case 'n':
		t.at += len("null")
		return nil
	default:
		return t.number()
	}
}

func (t *tree) object() map[string]any {
	object := map[string]any{}
	for !t.ends('}') {
		key := t.str()
		t.space()
		t.at++ // the colon
		object[key] = t.value()
	}
	return object
}

func (t *tree) array() []any {
	list := []any{}
	for !t.ends(']') {
		list = append(list, t.value())
	}
	return list
}

// ends steps over the opening bracket or a comma, and tells whether the closing
// bracket has been stepped over.
func (t *tree) ends(closing byte) bool {
	t.space()
	if c := t.text[t.at]; c == '{' || c == '[' || c == ',' {
		t.at++
		t.space()
		if t.text[t.at] != closing {
			return false
		}
	}
	t.at++
	return true
}

func (t *tree) str() string {
	start := t.at + 1
	end := strings.IndexByte(t.text[start:], '"') + start
	if strings.IndexByte(t.text[start:end], '\\') < 0 {
		t.at = end + 1
		return t.text[start:end]
	}
	for end = start; t.text[end] != '"'; end++ {
		if t.text[end] == '\\' {
			end++
		}
	}
	t.at = end + 1
	b, err := jsontext.AppendUnquote(nil, t.text[start-1:t.at])
	if err != nil {
		panic("strictjson: text that passed the check does not unquote") // a bug of ours: never serve it
	}
	return string(b)
}

func (t *tree) number() json.Number {
	start := t.at
	for t.at < len(t.text) && strings.IndexByte("+-.0123456789Ee", t.text[t.at]) >= 0 {
		t.at++
	}
	n := t.text[start:t.at]
	if !finite(n) {
		t.badNumber = true
	}
	return json.Number(n)
}

func (t *tree) space() {
	for t.at < len(t.text) {
		switch t.text[t.at] {
		case ' ', '\t', '\r', '\n':
			t.at++
		default:
			return
		}
	}
}

// finite tells whether a well-formed number is one that arithmetic can bear:
// 1e999 is infinite to most readers, and 1e-999999999 takes an exact reader's
// memory.
func finite(n string) bool {
	if len(n) > MaxNumber {
		return false
	}
	e := strings.IndexAny(n, "eE")
	if e < 0 && len(n) <= 300 {
		return true
	}
	if e >= 0 && len(n)-e > len("e+0000") {
		return false
	}
	f, err := strconv.ParseFloat(n, 64)
	if err != nil {
		return false
	}
	mantissa := n
	if e >= 0 {
		mantissa = n[:e]
	}
	return f != 0 || !strings.ContainsAny(mantissa, "123456789")
}
