package contract

import (
	"slices"
	"testing"
)

// TestGuards: a body that was not read might set what is left to other roles, in
// whichever media type it was to come.
func TestGuards(t *testing.T) {
	const free = `"application/json":{"schema":{"type":"object","properties":{"a":{"type":"string"}}}}`
	left := func(name, roles string) string {
		return `{"type":"object","properties":{"` + name + `":{"type":"string","x-gatehouse":{"write_roles":[` + roles + `]}}}}`
	}
	for content, want := range map[string][]string{
		`{` + free + `}`:  nil,
		`{"text/csv":{}}`: nil,
		`{"application/json":{"schema":` + left("a", `"admin"`) + `}}`:                                                  {"guest", "staff"},
		`{` + free + `,"application/xml":{"schema":` + left("a", `"admin","staff"`) + `}}`:                              {"guest"},
		`{"application/json":{"schema":{"allOf":[` + left("a", `"admin"`) + `,` + left("b", `"admin","staff"`) + `]}}}`: {"guest", "staff"},
		`{"application/json":{"schema":{"allOf":[` + left("a", `"staff"`) + `,` + left("b", `"admin"`) + `]}}}`:         {"guest", "staff", "admin"},
	} {
		op := &Operation{Body: bodyOf(t, content, true)}
		var got []string
		for _, role := range []string{"guest", "staff", "admin"} {
			if op.Guards(role) {
				got = append(got, role)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s guards against %q, want %q", content, got, want)
		}
	}
	if (&Operation{}).Guards("guest") {
		t.Error("an operation without a body guards one")
	}
}

// TestWhatWasRead: a body that was taken apart has shown its members, though it is
// refused; one that could not be has not.
func TestWhatWasRead(t *testing.T) {
	const object = `{"schema":{"type":"object","properties":{"a":{"type":"integer"}}}}`
	op := &Operation{Body: bodyOf(t, `{"application/json":`+object+`,"`+urlEncoded+`":`+object+`,"application/x+json":{},"text/plain":{}}`, true)}
	for _, c := range []struct {
		contentType, data string
		read, passes      bool
	}{
		{"application/json", `{"a":1}`, true, true},
		{"application/json", `{"a":"x"}`, true, false},
		{"application/json", `{"a":`, false, false},
		{"application/x+json", `{"a":"x"}`, true, true},
		{"application/x+json", `{"a":"\u0000"}`, true, false},
		{"application/x+json", `{"a":`, false, false},
		{"text/plain", "x", true, true},
		{urlEncoded, "a=1", true, true},
		{urlEncoded, "a=x", true, false},
		{urlEncoded, "a=1;b=2", false, false},
		{"image/png", "x", false, false},
		{"application/json", "", true, false},
	} {
		if d, err := op.Decode("guest", c.contentType, []byte(c.data)); d.Read != c.read || (err == nil) != c.passes {
			t.Errorf("%s %s: read %v, %s", c.contentType, c.data, d.Read, refusal(err))
		}
	}
	multi, m := multipartOf(t, `{"type":"object","properties":{"a":{"type":"integer"}}}`, "{}", Reject)
	for text, passes := range map[string]bool{"a=1": true, "a=x": false} {
		if f, err := multi.DecodeForm("guest", m, sentForm(text), nil); !f.Read || (err == nil) != passes {
			t.Errorf("%s: read %v, %s", text, f.Read, formRefusal(err))
		}
	}
}
