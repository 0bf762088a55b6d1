// Package strictjson is the one JSON decoder and encoder of Gatehouse.
//
// Stops: parser gaps. Two readers of one body must not see two things, so a
// duplicate key, bytes after the value, a depth above MaxDepth, invalid UTF-8
// and an unpaired surrogate are refused, and member names are matched exactly.
// Source: RFC 8259 §4 and §8.1, RFC 7493 (I-JSON), OWASP API8:2023.
//
// It stands on the code of the coming encoding/json/v2; when the standard
// library has it, this file is the only one that changes.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how deep arrays and objects may nest in a decoded value.
const MaxDepth = 32

// ErrDepth is returned for a value that nests deeper than MaxDepth.
var ErrDepth = errors.New("nested deeper than 32 levels")

// ErrTrailing is returned for bytes after the value.
var ErrTrailing = errors.New("more than one JSON value")

// ErrEmpty is returned where there is no value at all.
var ErrEmpty = errors.New("no JSON value")

// Decode reads exactly one JSON value: nil, bool, string, json.Number (so that
// no digit is lost), []any or map[string]any. The error never quotes the value.
func Decode(data []byte) (any, error) {
	d := jsontext.NewDecoder(bytes.NewReader(data))
	v, err := decodeValue(d, 0)
	if err != nil {
		return nil, plain(err)
	}
	if _, err := d.ReadToken(); err == nil {
		return nil, ErrTrailing
	} else if !errors.Is(err, io.EOF) {
		return nil, plain(err)
	}
	return v, nil
}

func decodeValue(d *jsontext.Decoder, depth int) (any, error) {
	t, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch t.Kind() {
	case 'n':
		return nil, nil
	case 't', 'f':
		return t.Bool(), nil
	case '"':
		return t.String(), nil
	case '0':
		return json.Number(t.String()), nil
	}
	if depth == MaxDepth {
		return nil, ErrDepth
	}
	if t.Kind() == '[' {
		return decodeArray(d, depth)
	}
	return decodeObject(d, depth)
}

func decodeArray(d *jsontext.Decoder, depth int) (any, error) {
	list := []any{}
	for d.PeekKind() != ']' {
		v, err := decodeValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := d.ReadToken()
	return list, err
}

func decodeObject(d *jsontext.Decoder, depth int) (any, error) {
	object := map[string]any{}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		key := name.String() // a Token is void after the next read
		v, err := decodeValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		object[key] = v
	}
	_, err := d.ReadToken()
	return object, err
}

// Unmarshal decodes exactly one JSON value into v, as strictly as Decode, and
// matches member names to the letter. Members that v does not have are passed
// over: which members may be there is for the contract to say.
func Unmarshal(data []byte, v any) error {
	if err := jsonv2.Unmarshal(data, v); err != nil {
		return plain(err)
	}
	return nil
}

// Marshal encodes v with no HTML escaping and with the keys of maps in order.
func Marshal(v any) ([]byte, error) {
	b, err := jsonv2.Marshal(v, jsonv2.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("encoding JSON: %w", err)
	}
	return b, nil
}

// plain turns a decoder's error, which may quote the input, into one that says
// only what is wrong and at which byte.
func plain(err error) error {
	if errors.Is(err, ErrDepth) {
		return ErrDepth
	}
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
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
