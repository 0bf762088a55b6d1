package contract

import (
	"errors"
	"slices"
	"testing"
)

// TestMediaOfABody: the media type is compared without its case and parameters
// (RFC 9110 §8.3.1); what is refused is told to the record, not to the client.
func TestMediaOfABody(t *testing.T) {
	b := bodyOf(t, `{"Application/JSON ; charset=utf-8":{},"application/vnd.x+json":{},"application/x-www-form-urlencoded":{},"text/plain":{},"image/*":{}}`, true)
	all := []string{"application/json", "application/vnd.x+json", "application/x-www-form-urlencoded", "image/*", "text/plain"}
	if got := b.Accepts(); !slices.Equal(got, all) {
		t.Errorf("accepts %q", got)
	}
	late := bodyOf(t, `{"a/b":{},"c/d":{},"x/json+json":{},"application/xml":{},"application/json":{}}`, true)
	if got := late.Accepts(); !slices.Equal(got, []string{"application/json", "x/json+json", "a/b", "application/xml", "c/d"}) {
		t.Errorf("accepts %q, JSON is not first", got)
	}
	const unlisted, beyond = "a media type that the contract does not list", "a Content-Type beyond ASCII"
	for contentType, want := range map[string]struct{ media, why string }{
		"application/json":                      {"application/json", ""},
		"APPLICATION/JSON; charset=\"UTF-8\"":   {"application/json", ""},
		"text/plain;charset=utf-8":              {"text/plain", ""},
		"image/png":                             {"image/*", ""},
		"":                                      {"", "no Content-Type"},
		"application/json;":                     {"application/json", ""},
		"application/json; charset":             {"", "a Content-Type that cannot be read"},
		"application/json; charset=iso-8859-1":  {"", "a charset other than utf-8"},
		"image/*":                               {"", unlisted},
		"IMAGE/*":                               {"", unlisted},
		"text/html":                             {"", unlisted},
		"json":                                  {"", unlisted},
		"multipart/form-data; boundary=b":       {"", unlisted},
		"application/x-www-form-urlencoded;q=1": {"application/x-www-form-urlencoded", ""},
		"\u00a0application/json":                {"", beyond},
		"application/json\u0080":                {"", beyond},
		"application/json\x7f":                  {"", "a Content-Type that cannot be read"},
		"application/json\u2003":                {"", beyond},
		"application/json; a=\"\xff\"":          {"", beyond},
	} {
		m, err := b.Media(contentType)
		switch {
		case err == nil && m.Type != want.media:
			t.Errorf("%q is read as %s, want %s", contentType, m.Type, want.media)
		case err != nil && (want.why == "" || errors.Unwrap(err).Error() != want.why):
			t.Errorf("%q is refused, %v; want %s", contentType, errors.Unwrap(err), want.why)
		case err == nil && want.why != "":
			t.Errorf("%q passes", contentType)
		}
	}
}

// TestWhatOfABodyIsRead: a body is held against its schema when it is JSON, by
// name or by suffix (RFC 6839 §3.1), or a form.
func TestWhatOfABodyIsRead(t *testing.T) {
	const object = `{"type":"object","required":["a"],"properties":{"a":{"type":"integer"}}}`
	op := &Operation{Body: bodyOf(t, `{
		"application/json":{"schema":{"type":"array","items":`+object+`}},
		"application/x+json":{"schema":`+object+`},
		"application/y+json":{},
		"text/plain":{"schema":`+object+`},
		"multipart/form-data":{},
		"application/x-www-form-urlencoded":{}}`, false)}
	for name, c := range map[string]struct{ contentType, data, body, refused string }{
		"an array":                          {"application/json", `[{"a":1}]`, `[{"a":1}]`, ""},
		"a fault in an array":               {"application/json", `[{"a":"x"}]`, "", "Bad Request\n/0/a type: must be an integer"},
		"+json":                             {"application/x+json", `{"a":"x"}`, "", "Bad Request\n/a type: must be an integer"},
		"another type":                      {"text/plain", `{"a":"x"}`, `{"a":"x"}`, ""},
		"a form without a schema":           {"application/x-www-form-urlencoded", "a=%zz;", "a=%zz;", ""},
		"parts without a schema":            {"multipart/form-data; boundary=b", "--b", "--b", ""},
		"nothing":                           {"application/json", "", "", ""},
		"blank, where no body need be":      {"application/json", " ", "", "Bad Request\nThe body is not strict JSON: no JSON value"},
		"NUL below a name that is not told": {"application/json", `[{"<b>":{"c":"\u0000"}}]`, "", "Bad Request\n/0 nul: must not contain the character U+0000\n/0 unknown_field: has an unknown field\n/0/a required: is required"},
		"NUL where no schema is":            {"application/y+json", `{"b":"\u0000"}`, "", "Bad Request\n/b nul: must not contain the character U+0000"},
	} {
		body, _, err := op.DecodeBody(c.contentType, []byte(c.data))
		if string(body) != c.body || refusal(err) != c.refused {
			t.Errorf("%s: %q %s", name, body, refusal(err))
		}
	}
}
