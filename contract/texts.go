package contract

import (
	"strconv"
	"strings"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// codeUnknown is the code of a member or parameter that the contract does not
// name.
const codeUnknown = "unknown_field"

const textNotAllowed = "must not be given"

// unknownText names nothing when the name is not fit to be told.
func unknownText(name string) string {
	if nameable(name) {
		return "is not a known field"
	}
	return "has an unknown field"
}

func textType(want kindMask) string {
	if want&kindNumber != 0 {
		want &^= kindInteger
	}
	var names []string
	for _, k := range kindNames {
		if want&k.kind != 0 {
			names = append(names, k.text)
		}
	}
	if len(names) == 0 {
		return "is not a JSON value"
	}
	return "must be " + listed(names, " or ")
}

// listed joins a, b or c.
func listed(names []string, last string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + last + names[len(names)-1]
}

func textConst(want any) string { return "must be " + display(want) }

// maxListed is how many values of an enum a text lists.
const maxListed = 20

func textEnum(values []any) string {
	if len(values) == 1 {
		return textConst(values[0])
	}
	var names []string
	for i, v := range values {
		if i == maxListed {
			names = append(names, strconv.Itoa(len(values)-i)+" more")
			break
		}
		names = append(names, display(v))
	}
	return "must be one of: " + strings.Join(names, ", ")
}

// display writes a value of the contract (never one of a request).
func display(v any) string {
	if s := text(v); nameable(s) {
		return s
	}
	b, err := strictjson.Marshal(v)
	if err != nil {
		return "the value that the contract states"
	}
	return string(b)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func textMinLength(n int) string { return "must be at least " + plural(n, "character", "characters") }

func textMaxLength(n int) string { return "must be at most " + plural(n, "character", "characters") }

func textPattern(re string) string { return "must match the pattern " + re }

func textMinimum(n string) string { return "must be at least " + n }

func textMaximum(n string) string { return "must be at most " + n }

func textAbove(n string) string { return "must be greater than " + n }

func textBelow(n string) string { return "must be less than " + n }

func textMultiple(n string) string { return "must be a multiple of " + n }

func textMinItems(n int) string { return "must have at least " + plural(n, "item", "items") }

func textMaxItems(n int) string { return "must have at most " + plural(n, "item", "items") }

func textContains(n int) string {
	return "must have at least " + plural(n, "item", "items") + " of the form that the contract asks for"
}

func textMaxContains(n int) string {
	return "must have at most " + plural(n, "item", "items") + " of the form that the contract names"
}

func textMinFields(n int) string { return "must have at least " + plural(n, "field", "fields") }

func textMaxFields(n int) string { return "must have at most " + plural(n, "field", "fields") }

func textDependent(name string) string { return "is required when " + name + " is given" }

var formatTexts = map[string]string{
	"email":         "must be an email address",
	"idn-email":     "must be an email address",
	"uuid":          "must be a UUID, such as 018f4e3c-7d2a-7c51-9b1e-2f6a0c9d4e11",
	"date":          "must be a date, such as 2026-05-01",
	"time":          "must be a time with its offset, such as 09:30:00Z",
	"date-time":     "must be a date and time with its offset, such as 2026-05-01T09:30:00Z",
	"duration":      "must be an ISO 8601 duration, such as P1DT2H",
	"uri":           "must be a full URL, such as https://example.org/path",
	"iri":           "must be a full URL, such as https://example.org/path",
	"uri-reference": "must be a URL or a path",
	"iri-reference": "must be a URL or a path",
	"uri-template":  "must be a URI template, such as /items/{id}",
	"hostname":      "must be a host name",
	"idn-hostname":  "must be a host name",
	"ipv4":          "must be an IPv4 address",
	"ipv6":          "must be an IPv6 address",
	"int32":         "must be an integer from -2147483648 to 2147483647",
	"int64":         "must be an integer from -9223372036854775808 to 9223372036854775807",
	"float":         "must be a number of single precision",
	"double":        "must be a number of double precision",
	"byte":          "must be base64",
	"json-pointer":  "must be a JSON Pointer, such as /a/b",
	"regex":         "must be a regular expression",
}

func textFormat(name string) string {
	if text, ok := formatTexts[name]; ok {
		return text
	}
	return "must be a valid " + name
}
