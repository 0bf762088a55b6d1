// Package strictjson is the one JSON decoder and encoder of Gatehouse.
//
// Stops: parser gaps. Two readers of one body must not see two things, so a
// duplicate key, bytes after the value, a depth above MaxDepth, invalid UTF-8,
// an unpaired surrogate and a number that no float64 can hold are refused, and
// member names are matched exactly.
// Source: RFC 8259 §4, §6 and §8.1, RFC 7493 (I-JSON), OWASP API8:2023.
//
// What is well-formed is decided by the code of the coming encoding/json/v2;
// when the standard library has it, this file is the only one that changes. The
// tree that Decode returns is built in tree.go from text that has passed.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how deep arrays and objects may nest in a decoded value.
const MaxDepth = 32

// MaxNumber is how many characters a number may be written with.
const MaxNumber = 512

// ErrDepth is returned for a value that nests deeper than MaxDepth.
var ErrDepth = errors.New("nested deeper than 32 levels")

// ErrTrailing is returned for bytes after the value.
var ErrTrailing = errors.New("more than one JSON value")

// ErrEmpty is returned where there is no value at all.
var ErrEmpty = errors.New("no JSON value")

// ErrNumber is returned for a number that a float64 cannot hold, because it is
// too large or too near to zero, and for one longer than MaxNumber.
var ErrNumber = errors.New("a number too large or too small to compute with")

// ErrBOM is returned for a value that begins with a byte order mark (RFC 8259
// §8.1 forbids senders to write one).
var ErrBOM = errors.New("a byte order mark stands before the value")

// Decode reads exactly one JSON value: nil, bool, string, json.Number (so that
// no digit is lost), []any or map[string]any. The error never quotes the value.
func Decode(data []byte) (any, error) {
	if err := check(data); err != nil {
		return nil, err
	}
	t := tree{text: string(data)}
	v := t.value()
	if t.badNumber {
		return nil, ErrNumber
	}
	return v, nil
}

// Unmarshal decodes exactly one JSON value into v, as strictly as Decode, and
// matches member names to the letter. Members that v does not have are passed
// over: which members may be there is for the contract to say.
func Unmarshal(data []byte, v any) error {
	if deep(data) {
		return ErrDepth
	}
	if err := jsonv2.Unmarshal(data, v); err != nil {
		return plain(data, err)
	}
	return nil
}

// Marshal encodes v with no HTML escaping and with the keys of maps in order. A
// json.Number is written as the number that it is.
func Marshal(v any) ([]byte, error) {
	b, err := jsonv2.Marshal(v, marshalOptions)
	if err != nil {
		return nil, fmt.Errorf("encoding JSON: %w", err)
	}
	return b, nil
}

var marshalOptions = jsonv2.JoinOptions(
	jsonv2.Deterministic(true),
	jsonv2.WithMarshalers(jsonv2.MarshalToFunc(func(e *jsontext.Encoder, n json.Number) error {
		return e.WriteValue(jsontext.Value(n))
	})),
)

// check says why data is not exactly one well-formed value.
func check(data []byte) error {
	if deep(data) {
		return ErrDepth
	}
	if jsontext.Value(data).IsValid() {
		return nil
	}
	d := jsontext.NewDecoder(bytes.NewReader(data))
	if err := d.SkipValue(); err != nil {
		return plain(data, err)
	}
	if _, err := d.ReadToken(); err != nil && !errors.Is(err, io.EOF) {
		return plain(data, err)
	}
	return ErrTrailing
}

// deep tells whether data nests deeper than MaxDepth. It runs before the
// decoder, which would follow 10,000 levels.
func deep(data []byte) bool {
	depth, inString := 0, false
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			inString = !inString
		case '\\':
			i++ // outside a string the text is malformed anyway
		case '[', '{':
			if !inString {
				depth++
			}
			if depth > MaxDepth {
				return true
			}
		case ']', '}':
			if !inString {
				depth--
			}
		}
	}
	return false
}

// plain turns a decoder's error, which may quote the input, into one that says
// only what is wrong and at which byte.
func plain(data []byte, err error) error {
	if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		return ErrBOM
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return ErrEmpty
	}
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return errors.New("a member name stands twice in one object")
	}
	if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return fmt.Errorf("not well-formed JSON at byte %d", s.ByteOffset)
	}
	if s, ok := errors.AsType[*jsonv2.SemanticError](err); ok {
		return fmt.Errorf("a JSON %s does not fit at byte %d", kindName(s.JSONKind), s.ByteOffset)
	}
	return errors.New("not well-formed JSON")
}

func kindName(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "boolean"
	case '"':
		return "string"
	case '0':
		return "number"
	case '[':
		return "array"
	default:
		return "object"
	}
}

// EscapeToken writes a name as a part of a JSON Pointer (RFC 6901 section 3).
func EscapeToken(name string) string {
	if !strings.ContainsAny(name, "~/") {
		return name
	}
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}
