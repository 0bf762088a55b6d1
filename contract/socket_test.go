package contract

import (
	"slices"
	"testing"
	"time"
)

func socketOf(t *testing.T, text string) (*Socket, error) {
	t.Helper()
	return newCompiler("test", map[string]any{"s": value(t, text)}, false).socket("/s")
}

func TestSocket(t *testing.T) {
	s, err := socketOf(t, `{
		"max_message":"4KiB","rate":"60/1m","protocols":["chat"],
		"receive":{"ping":{"const":"ping"},"say":{"type":"object","required":["text"],"properties":{"text":{"type":"string","maxLength":5}}}},
		"send":{"pong":{"const":"pong"},"SET_INTERVIEW":{"type":"object","required":["type","id","interview"],"properties":{
			"type":{"const":"SET_INTERVIEW"},"id":{"type":"integer"},"interview":{"anyOf":[{"type":"object","required":["student"],"properties":{"student":{"type":"string"}}},{"type":"null"}]}}}}}`)
	if err != nil {
		t.Fatal(err)
	}
	if s.MaxMessage != 4096 || s.MaxRate.Requests != 60 || s.MaxRate.Window != time.Minute || !slices.Equal(s.Protocols, []string{"chat"}) {
		t.Errorf("%+v", s)
	}
	for name, c := range map[string]struct{ message, data, want string }{
		"raw text":               {"ping", `ping`, ""},
		"other text":             {"ping", `pong`, "const: must be ping"},
		"JSON":                   {"say", `{"text":"a"}`, ""},
		"too long":               {"say", `{"text":"abcdef"}`, "/text maxLength: must be at most 5 characters"},
		"an unknown member":      {"say", `{"text":"a","x":1}`, "/x unknown_field: is not a known field"},
		"a duplicate member":     {"say", `{"text":"a","text":"b"}`, "type: must be an object"},
		"NUL":                    {"say", `{"text":"a\u0000"}`, "/text nul: must not contain the character U+0000"},
		"NUL in raw text":        {"ping", "ping\x00", "nul: must not contain the character U+0000"},
		"a message never stated": {"shout", `{}`, "unknown_message: is not a message that the contract names"},
	} {
		if got := brief(s.CheckReceive(c.message, []byte(c.data))); got != c.want {
			t.Errorf("receive, %s: %s, want %s", name, got, c.want)
		}
	}
	for name, c := range map[string]struct{ message, data, want string }{
		"with its quotes":        {"pong", `"pong"`, ""},
		"without":                {"pong", `pong`, "json: the message is not strict JSON: not well-formed JSON at byte 0"},
		"an interview":           {"SET_INTERVIEW", `{"type":"SET_INTERVIEW","id":2,"interview":{"student":"A"}}`, ""},
		"none":                   {"SET_INTERVIEW", `{"type":"SET_INTERVIEW","id":2,"interview":null}`, ""},
		"a member too many":      {"SET_INTERVIEW", `{"type":"SET_INTERVIEW","id":2,"interview":{"student":"A","email":"x"}}`, "/interview/email unknown_field: is not a known field"},
		"a member too few":       {"SET_INTERVIEW", `{"type":"SET_INTERVIEW","interview":null}`, "/id required: is required"},
		"a message never stated": {"hello", `{}`, "unknown_message: is not a message that the contract names"},
	} {
		if got := brief(s.CheckSend(c.message, []byte(c.data))); got != c.want {
			t.Errorf("send, %s: %s, want %s", name, got, c.want)
		}
	}
}

// TestSocketDirections: what is read-only comes from the server, and what is
// write-only from the client.
func TestSocketDirections(t *testing.T) {
	const note = `{"type":"object","required":["id","key"],"properties":{"id":{"type":"integer","readOnly":true},"key":{"type":"string","writeOnly":true}}}`
	s, err := socketOf(t, `{"receive":{"note":`+note+`},"send":{"note":`+note+`}}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ data, received, sent string }{
		{`{"key":"k"}`, "", "/id required: is required\n/key writeOnly: must not be shown"},
		{`{"id":1}`, "/id readOnly: is set by the server and must not be sent\n/key required: is required", ""},
	} {
		if got := brief(s.CheckReceive("note", []byte(row.data))); got != row.received {
			t.Errorf("receive %s: %s, want %s", row.data, got, row.received)
		}
		if got := brief(s.CheckSend("note", []byte(row.data))); got != row.sent {
			t.Errorf("send %s: %s, want %s", row.data, got, row.sent)
		}
	}
}

func TestSocketDefaultsAndFaults(t *testing.T) {
	s, err := socketOf(t, `{}`)
	if err != nil || s.MaxMessage != 64<<10 {
		t.Errorf("%+v %v", s, err)
	}
	if s, err := socketOf(t, `{"max_message":1}`); err != nil || s.MaxMessage != 1 {
		t.Errorf("a size as a number, the least: %+v %v", s, err)
	}
	for text, pointer := range map[string]string{
		`"x"`:                                  "/s",
		`{"max_message":"big"}`:                "/s/max_message",
		`{"max_message":0}`:                    "/s/max_message",
		`{"rate":"often"}`:                     "/s/rate",
		`{"rate":60}`:                          "/s/rate",
		`{"recieve":{}}`:                       "/s/recieve",
		`{"receive":[]}`:                       "/s/receive",
		`{"send":{"a":{"type":"int"}}}`:        "/s/send/a/type",
		`{"protocols":"chat"}`:                 "/s/protocols",
		`{"receive":{"a/b":{"minLength":-1}}}`: "/s/receive/a~1b/minLength",
	} {
		if _, err := socketOf(t, text); err == nil || err.(*compileError).pointer != pointer {
			t.Errorf("%s: %v", text, err)
		}
	}
}
