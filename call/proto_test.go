package call

import "testing"

func TestForwardedProto(t *testing.T) {
	for _, row := range []struct {
		name   string
		fields []string
		want   string
	}{
		{"none", nil, ""},
		{"an empty field", []string{""}, ""},
		{"RFC 7239 section 4", []string{"for=192.0.2.60;proto=http;by=203.0.113.43"}, "http"},
		{"alone, name in capitals", []string{"PROTO=https"}, "https"},
		{"quoted", []string{`for="[2001:db8::1]";proto="https"`}, "https"},
		{"the proxy next to us comes last", []string{"proto=https, for=192.0.2.60;proto=http"}, "http"},
		{"in the last of two fields", []string{"proto=https", "proto=http"}, "http"},
		{"the last element says nothing", []string{"proto=https, for=192.0.2.60"}, ""},
		{"said twice", []string{"proto=https;proto=http"}, ""},
		{"a quote that the client left open", []string{`for="x, proto=http`}, "http"},
		{"hidden in a quoted value", []string{`for="x;proto=https"`}, ""},
		{"not well-formed behind it", []string{"proto=https; for"}, ""},
		{"an empty last element", []string{"proto=https,"}, ""},
	} {
		if got := ForwardedProto(row.fields); got != row.want {
			t.Errorf("%s: %q; want %q", row.name, got, row.want)
		}
	}
}
