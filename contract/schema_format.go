package contract

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// ourFormats are the formats of the OpenAPI registry that the library does not
// know, and those that the test suite shows it to take too lightly.
func ourFormats() []*jsonschema.Format {
	return []*jsonschema.Format{
		{Name: "int32", Validate: ofNumber(integerOf(32))},
		{Name: "int64", Validate: ofNumber(integerOf(64))},
		{Name: "float", Validate: ofNumber(single)},
		{Name: "double", Validate: ofNumber(double)},
		{Name: "byte", Validate: ofText(base64Text)},
		{Name: "email", Validate: ofText(email)},
		{Name: "idn-email", Validate: ofText(idnEmail)},
		{Name: "hostname", Validate: ofText(hostname)},
		{Name: "ipv4", Validate: ofText(ipv4)},
		{Name: "ipv6", Validate: ofText(ipv6)},
		{Name: "uri", Validate: ofText(uri)},
		{Name: "uri-reference", Validate: ofText(uriReference)},
		{Name: "iri", Validate: ofText(international(uri))},
		{Name: "iri-reference", Validate: ofText(international(uriReference))},
		{Name: "duration", Validate: ofText(durationText.MatchString)},
		{Name: "uri-template", Validate: ofText(templateText.MatchString)},
	}
}

var errFormat = errors.New("not of this format")

// ofNumber makes a format of a check for numbers; other values are not concerned.
func ofNumber(fits func(json.Number) bool) func(any) error {
	return func(v any) error {
		if n, ok := v.(json.Number); ok && !fits(n) {
			return errFormat
		}
		return nil
	}
}

// ofText is the same for strings.
func ofText(fits func(string) bool) func(any) error {
	return func(v any) error {
		if s, ok := v.(string); ok && !fits(s) {
			return errFormat
		}
		return nil
	}
}

// integerOf makes a check for integers of so many bits. 1.0 is one.
func integerOf(bits int) func(json.Number) bool {
	return func(n json.Number) bool {
		if !plainInteger(n) {
			n, _ = numeralOf(n).written()
		}
		_, err := strconv.ParseInt(string(n), 10, bits)
		return err == nil
	}
}

// single and double refuse numbers beyond the range of a float.
func single(n json.Number) bool {
	_, err := strconv.ParseFloat(string(n), 32)
	return err == nil
}

func double(n json.Number) bool {
	_, err := n.Float64()
	return err == nil
}

// base64Text is format byte of OpenAPI 3.0: RFC 4648 §4, with its padding.
func base64Text(s string) bool {
	_, err := base64.StdEncoding.Strict().DecodeString(s)
	return err == nil
}
