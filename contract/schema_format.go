package contract

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// ourFormats are the formats of the OpenAPI registry that the library does not
// know, and those that the test suite shows it to take too lightly.
func ourFormats() []*jsonschema.Format {
	return []*jsonschema.Format{
		{Name: "int32", Validate: inRange(32)},
		{Name: "int64", Validate: inRange(64)},
		{Name: "float", Validate: precision(32)},
		{Name: "double", Validate: precision(64)},
		{Name: "byte", Validate: base64Text},
		{Name: "email", Validate: ofText(email)},
		{Name: "idn-email", Validate: ofText(idnEmail)},
		{Name: "hostname", Validate: ofText(hostname)},
		{Name: "ipv4", Validate: ofText(ipv4)},
		{Name: "ipv6", Validate: ofText(ipv6)},
		{Name: "uri", Validate: ofText(reference(true, false))},
		{Name: "uri-reference", Validate: ofText(reference(false, false))},
		{Name: "iri", Validate: ofText(reference(true, true))},
		{Name: "iri-reference", Validate: ofText(reference(false, true))},
		{Name: "duration", Validate: ofText(durationText.MatchString)},
		{Name: "uri-template", Validate: ofText(templateText.MatchString)},
	}
}

var errFormat = errors.New("not of this format")

// inRange refuses numbers that are no integers of so many bits. 1.0 is one.
func inRange(bits int) func(any) error {
	return func(v any) error {
		n, ok := v.(json.Number)
		if !ok {
			return nil
		}
		if plainInteger(n) {
			_, err := strconv.ParseInt(string(n), 10, bits)
			return err
		}
		r, ok := rat(n)
		if !ok || !r.IsInt() || !fitsBits(r.Num(), bits) {
			return errFormat
		}
		return nil
	}
}

func fitsBits(n *big.Int, bits int) bool {
	return n.IsInt64() && (bits == 64 || n.Int64() == int64(int32(n.Int64())))
}

// precision refuses numbers beyond the range of a float of so many bits.
func precision(bits int) func(any) error {
	return func(v any) error {
		n, ok := v.(json.Number)
		if !ok {
			return nil
		}
		_, err := strconv.ParseFloat(string(n), bits)
		return err
	}
}

// base64Text is format byte of OpenAPI 3.0: RFC 4648 §4, with its padding.
func base64Text(v any) error {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	_, err := base64.StdEncoding.Strict().DecodeString(s)
	return err
}
