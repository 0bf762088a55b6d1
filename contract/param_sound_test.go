package contract

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

// TestSoundParameters: what has no fault is there, under the same names and with
// the same values, whatever the others are.
func TestSoundParameters(t *testing.T) {
	const list = `"schema":{"type":"array","items":{"type":"string"}}}`
	op := &Operation{
		Params: []*Param{
			paramOf(t, `{"name":"id","in":"path","schema":{"type":"integer"}}`),
			paramOf(t, `{"name":"tags","in":"path",`+list),
			paramOf(t, `{"name":"limit","in":"query","schema":{"type":"integer","default":20}}`),
			paramOf(t, `{"name":"x-trace","in":"header","schema":{"type":"string"}}`),
			paramOf(t, `{"name":"token","in":"cookie","schema":{"type":"string"}}`),
		},
		segments: []segment{{literals: []string{"", ""}, names: []string{"id"}}, {literals: []string{"", ""}, names: []string{"tags"}}},
	}
	tags, seven, twenty := []any{"a,b", "c"}, json.Number("7"), json.Number("20")
	for name, c := range map[string]struct {
		path, query string
		values      []string
		want        map[string]any
	}{
		"all":                 {"/7/a%2Cb,c", "limit=7", []string{"7", "a,b,c"}, map[string]any{"path.id": seven, "path.tags": tags, "query.limit": seven, "header.X-Trace": "t", "cookie.token": "s"}},
		"a default":           {"/7/a%2Cb,c", "", []string{"7", "a,b,c"}, map[string]any{"path.id": seven, "path.tags": tags, "query.limit": twenty, "header.X-Trace": "t", "cookie.token": "s"}},
		"not those that fail": {"/x/a%2Cb,c", "limit=x", []string{"x", "a,b,c"}, map[string]any{"path.tags": tags, "header.X-Trace": "t", "cookie.token": "s"}},
		"others beside them":  {"/x/a%2Cb,c", "limit=7&more=1", []string{"x", "a,b,c"}, map[string]any{"path.tags": tags, "query.limit": seven, "header.X-Trace": "t", "cookie.token": "s"}},
		"no broken query":     {"/7/a%2Cb,c", "limit=7&a;b", []string{"7", "a,b,c"}, map[string]any{"path.id": seven, "path.tags": tags, "header.X-Trace": "t", "cookie.token": "s"}},
		"no path":             {"/", "", nil, map[string]any{"path.tags": []any{}, "query.limit": twenty, "header.X-Trace": "t", "cookie.token": "s"}},
	} {
		u, err := url.Parse(c.path + "?" + c.query)
		if err != nil {
			t.Fatal(err)
		}
		r := &http.Request{Method: "GET", URL: u, Header: http.Header{"X-Trace": {"t"}, "Cookie": {"token=s"}}}
		if got := op.SoundParams(r, c.values); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		got, faults := op.DecodeParams(r, c.values)
		if sound := len(c.want) == len(op.Params); sound != (faults == nil) || sound && !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: decoded as %v %s", name, got, brief(faults))
		}
	}
	if got, faults := (&Operation{}).DecodeParams(&http.Request{URL: &url.URL{}}, nil); got != nil || faults != nil {
		t.Errorf("an operation without any: %v %v", got, faults)
	}
	if _, faults := (&Operation{}).DecodeParams(&http.Request{URL: &url.URL{RawQuery: "a=1"}}, nil); brief(faults) != "#/query/a unknown_field: is not a known parameter" {
		t.Errorf("an operation without any, asked with one: %s", brief(faults))
	}
}

// TestListsOfAPath: a comma that was escaped is no delimiter in a segment that is
// one parameter, each by its own name (RFC 3986 §2.2); elsewhere the decoded text
// is all there is.
func TestListsOfAPath(t *testing.T) {
	load := func(path string, names ...string) *Operation {
		segments, err := parseTemplate(path)
		if err != nil {
			t.Fatal(err)
		}
		op := &Operation{segments: segments}
		for _, name := range names {
			op.Params = append(op.Params, paramOf(t, `{"name":"`+name+`","in":"path","explode":true,"schema":{"type":"array","items":{"type":"string"}}}`))
		}
		return op
	}
	for name, c := range map[string]struct {
		op   *Operation
		path string
		sent []string
		want string
	}{
		"by name":               {load("/{a}/{b}", "a", "b"), "/x%2Cy/1,2%2C3", []string{"x,y", "1,2,3"}, "[x,y] [1 2,3]"},
		"none escaped":          {load("/{a}/{b}", "a", "b"), "/x,y/1", []string{"x,y", "1"}, "[x y] [1]"},
		"part of a segment":     {load("/v{a}/{b}", "a", "b"), "/vx%2Cy/1%2C2", []string{"x,y", "1,2"}, "[x y] [1,2]"},
		"part of it at the end": {load("/{a}.json", "a"), "/x%2Cy.json", []string{"x,y"}, "[x y]"},
		"below another path":    {load("/{a}", "a"), "/base/x%2Cy", []string{"x,y"}, "[x y]"},
	} {
		u, err := url.Parse(c.path)
		if err != nil {
			t.Fatal(err)
		}
		values, faults := c.op.DecodeParams(&http.Request{URL: u}, c.sent)
		var got []string
		for _, p := range c.op.Params {
			list, _ := values[p.key].([]any)
			var texts []string
			for _, item := range list {
				texts = append(texts, item.(string))
			}
			got = append(got, "["+strings.Join(texts, " ")+"]")
		}
		if strings.Join(got, " ") != c.want || faults != nil {
			t.Errorf("%s: %s %s, want %s", name, got, brief(faults), c.want)
		}
	}
}

// TestFaultsOfParametersHaveAPlace: the field as people write it, and a pointer
// (RFC 6901); what is required is so in the path without being said.
func TestFaultsOfParametersHaveAPlace(t *testing.T) {
	op := &Operation{Params: []*Param{
		paramOf(t, `{"name":"id","in":"path","schema":{"type":"integer"}}`),
		paramOf(t, `{"name":"a/b","in":"query","style":"deepObject","schema":{"type":"object","properties":{"c":{"type":"integer"}}}}`),
		paramOf(t, `{"name":"l","in":"query","schema":{"type":"array","items":{"type":"string","minLength":2}}}`),
	}}
	_, faults := op.DecodeParams(&http.Request{URL: &url.URL{RawQuery: "a/b[c]=x&l=ab&l=a"}}, []string{"x"})
	var got []string
	for _, f := range faults {
		got = append(got, f.Field+" "+f.Pointer)
	}
	if want := "id #/path/id, a/b.c #/query/a~1b/c, l.1 #/query/l/1"; strings.Join(got, ", ") != want {
		t.Errorf("%s, want %s", got, want)
	}
	if !op.Params[0].Required || op.Params[1].Required {
		t.Error("what is required is wrong")
	}
}

// TestFaultsOfOneParameterAreBounded: a list of a megabyte gives no more of them
// than a refusal tells.
func TestFaultsOfOneParameterAreBounded(t *testing.T) {
	list := paramOf(t, `{"name":"p","in":"query","schema":{"type":"array","items":{"type":"integer"}}}`)
	object := paramOf(t, `{"name":"p","in":"query","style":"deepObject","schema":{"type":"object","additionalProperties":{"type":"integer"}}}`)
	many := strings.Split(strings.Repeat("x ", 2*maxFaults), " ")[:2*maxFaults]
	var members []string
	for i, text := range many {
		members = append(members, strings.Repeat("n", i+1), text)
	}
	for name, c := range map[string]struct {
		p     *Param
		parts []string
		want  int
	}{
		"a list":              {list, many, maxFaults},
		"a list of so many":   {list, many[:maxFaults], maxFaults},
		"a list of one fewer": {list, many[:maxFaults-1], maxFaults - 1},
		"an object":           {object, members, maxFaults},
		"an object of fewer":  {object, members[:2*maxFaults-2], maxFaults - 1},
	} {
		if _, faults := c.p.convert(texts{there: true, parts: c.parts}); len(faults) != c.want {
			t.Errorf("%s: %d faults, want %d", name, len(faults), c.want)
		}
	}
}
