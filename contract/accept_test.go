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
	anything := accepting("*/*")
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
		{anything, []string{"text/html"}, true},
		{accepting(), []string{"text/html"}, true},
		{&Operation{}, []string{"text/html"}, true},
	} {
		if got := c.op.Acceptable(c.accept); got != c.want {
			t.Errorf("%q against %q: %v, want %v", c.accept, c.op.Produces(), got, c.want)
		}
	}
}

// TestAcceptToTheLetter: an operation that gives JSON.
func TestAcceptToTheLetter(t *testing.T) {
	json := accepting("application/json")
	for _, c := range []struct {
		accept []string
		want   bool
	}{
		// RFC 9110 §12.5.1: the most specific range that fits has the word, wherever it stands.
		{[]string{"application/json;q=0, application/*"}, false},
		{[]string{"application/*", "application/json;q=0"}, false},
		{[]string{"application/*;q=0, application/json"}, true},
		{[]string{"*/*, application/*;q=0"}, false},
		{[]string{"application/*;q=0, */*"}, false},
		{[]string{"application/json;q=0, application/json"}, true},
		{[]string{"application/json, application/json;q=0"}, true},
		{[]string{"*/*;q=0, */*"}, true},
		{[]string{"text/html, nonsense", "*/*;q=0"}, false},
		// §12.4.2: a weight is 0 to 1, with three digits at most; one that is not cannot be read.
		{[]string{"application/json;q=0.001"}, true},
		{[]string{"application/json;q=0."}, false},
		{[]string{"application/json;q=1.000"}, true},
		{[]string{"text/html, application/json;q=0.0001"}, false},
		{[]string{"text/html, application/json;q=0.x"}, false},
		{[]string{"text/html, application/json;q=1.001"}, false},
		{[]string{"text/html, application/json;q=1.0000"}, false},
		{[]string{"text/html, application/json;q="}, false},
		{[]string{"text/html;q=1.0"}, false},
		{[]string{"application/json;Q=0"}, false},
		{[]string{"application/json;charset=utf-8;q=0"}, false},
		{[]string{"application/json;version=2;q=0, */*;q=0.1"}, true},
		{[]string{"application/json;version=2;q=0"}, true},
		// Elements that are no range say nothing.
		{[]string{"/json"}, true},
		{[]string{"application/"}, true},
		{[]string{"text/html, /json"}, false},
		{[]string{",application/json"}, true},
		// §5.6.4: what is quoted separates nothing, and a backslash means something in quotes alone.
		{[]string{`text/x;a=", application/json,"`}, false},
		{[]string{`text/x;a="\", application/json,"`}, false},
		{[]string{`text/x;a="b", application/json`}, true},
		{[]string{`text/x\, application/json`}, true},
	} {
		if got := json.Acceptable(c.accept); got != c.want {
			t.Errorf("%q: %v, want %v", c.accept, got, c.want)
		}
	}
}

func TestProduces(t *testing.T) {
	of := func(types ...string) *Response {
		r := &Response{Content: map[string]*Schema{}}
		for _, name := range types {
			r.Content[name] = nil
		}
		return r
	}
	for name, c := range map[string]struct {
		responses map[string]*Response
		want      []string
	}{
		"successes, each type once": {map[string]*Response{"200": of("c/1", "b/1", "a/1", "e/1"), "201": of("b/1", "d/1"), "2XX": of("f/1", "a/2"), "404": of("x/1"), "default": of("y/1")},
			[]string{"a/1", "a/2", "b/1", "c/1", "d/1", "e/1", "f/1"}},
		"one without a body": {map[string]*Response{"200": of("a/1"), "204": of()}, nil},
		"no success":         {map[string]*Response{"404": of("a/1")}, nil},
	} {
		if got := producedBy(c.responses); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
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
