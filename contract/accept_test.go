package contract

import (
	"slices"
	"testing"
)

func accepting(types ...string) *Operation {
	r := map[string]*Response{"200": {Content: map[string]*Schema{}}, "404": {Content: map[string]*Schema{"text/x-never": nil}}}
	for _, name := range types {
		r["200"].Content[name] = nil
	}
	return &Operation{Responses: r, produces: producedBy(r)}
}

func TestAcceptable(t *testing.T) {
	json, both, image := accepting("application/json"), accepting("application/json", "text/csv"), accepting("image/*")
	for _, c := range []struct {
		op     *Operation
		accept []string
		want   bool
	}{
		{json, nil, true},
		{json, []string{""}, true},
		{json, []string{"*/*"}, true},
		{json, []string{"application/json"}, true},
		{json, []string{"Application/JSON; charset=utf-8"}, true},
		{json, []string{"application/*;q=0.1"}, true},
		{json, []string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, true},
		{json, []string{"text/html", "application/json;q=0.5"}, true},
		{json, []string{"text/html"}, false},
		{json, []string{"text/html, image/png"}, false},
		{json, []string{"text/x-never"}, false},
		{json, []string{"application/json;q=0"}, false},
		{json, []string{"application/json;q=0.000, */*"}, false},
		{json, []string{"application/json, */*;q=0"}, true},
		{json, []string{"*/*;q=0"}, false},
		{json, []string{"application/problem+json"}, false},
		{json, []string{"application/json;version=2"}, true},
		{json, []string{`text/x;a=", application/json"`}, false},
		{json, []string{"nonsense"}, true},
		{json, []string{"application/json;q=2"}, true},
		{json, []string{"text/html, application/json;q=2"}, false},
		{json, []string{"*/json"}, true},
		{both, []string{"text/csv"}, true},
		{both, []string{"application/json;q=0, text/*"}, true},
		{both, []string{"application/json;q=0, text/html"}, false},
		{image, []string{"image/png"}, true},
		{image, []string{"text/html"}, false},
		{accepting(), []string{"text/html"}, true},
		{&Operation{}, []string{"text/html"}, true},
	} {
		if got := c.op.Acceptable(c.accept); got != c.want {
			t.Errorf("%q against %q: %v, want %v", c.accept, c.op.Produces(), got, c.want)
		}
	}
	if got := both.Produces(); !slices.Equal(got, []string{"application/json", "text/csv"}) {
		t.Errorf("%q", got)
	}
}

func FuzzAccept(f *testing.F) {
	for _, s := range []string{"*/*", "text/html,application/json;q=0.5", "a/b;c=\"d,e\";q=0", "application/json;q=0.000", ",;=\"\\"} {
		f.Add(s)
	}
	op := accepting("application/json")
	f.Fuzz(func(t *testing.T, accept string) {
		op.Acceptable([]string{accept})
		if !op.Acceptable([]string{"application/json", accept}) && op.Acceptable([]string{accept, "application/json"}) {
			t.Fatalf("%q: the order of lines counts", accept)
		}
	})
}
