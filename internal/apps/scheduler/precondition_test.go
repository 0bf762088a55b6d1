package scheduler

import (
	"net/http"
	"strings"
	"testing"
)

func TestEntityTags(t *testing.T) {
	for _, c := range []struct {
		field  []string
		tags   []entityTag
		any    bool
		wanted bool // well-formed
	}{
		{nil, nil, false, true},
		{[]string{`*`}, nil, true, true},
		{[]string{` * `}, nil, true, true},
		{[]string{`"xyzzy"`}, []entityTag{{false, `"xyzzy"`}}, false, true},
		{[]string{`W/"xyzzy"`}, []entityTag{{true, `"xyzzy"`}}, false, true},
		{[]string{`""`}, []entityTag{{false, `""`}}, false, true},
		{[]string{`"xyzzy", "r2d2xxxx" ,W/"c3piozzzz"`}, []entityTag{{false, `"xyzzy"`}, {false, `"r2d2xxxx"`}, {true, `"c3piozzzz"`}}, false, true},
		{[]string{`"a"`, `"b"`}, []entityTag{{false, `"a"`}, {false, `"b"`}}, false, true},
		{[]string{`,"a",, ,`}, []entityTag{{false, `"a"`}}, false, true},
		{[]string{`"with,comma"`}, []entityTag{{false, `"with,comma"`}}, false, true},
		{[]string{``}, nil, false, false},
		{[]string{`,`}, nil, false, false},
		{[]string{`xyzzy`}, nil, false, false},
		{[]string{`"open`}, nil, false, false},
		{[]string{`w/"a"`}, nil, false, false},
		{[]string{`W/*`}, nil, false, false},
		{[]string{`"a""b"`}, nil, false, false},
		{[]string{`"a" "b"`}, nil, false, false},
		{[]string{`"a", *`}, nil, false, false},
		{[]string{`*`, `"a"`}, nil, false, false},
		{[]string{`"has space"`}, nil, false, false},
	} {
		l, ok := parseTags(c.field)
		if ok != c.wanted {
			t.Errorf("%q: well-formed %v, want %v", c.field, ok, c.wanted)
			continue
		}
		if ok && (l.any != c.any || len(l.tags) != len(c.tags) || l.sent != (c.field != nil)) {
			t.Errorf("%q: %+v", c.field, l)
			continue
		}
		for i := range c.tags {
			if l.tags[i] != c.tags[i] {
				t.Errorf("%q: tag %d is %+v, want %+v", c.field, i, l.tags[i], c.tags[i])
			}
		}
	}
}

// TestComparison is the table of RFC 9110 §8.8.3.2.
func TestComparison(t *testing.T) {
	for _, c := range []struct {
		sent         entityTag
		current      string
		strong, weak bool
	}{
		{entityTag{true, `"1"`}, `"1"`, false, true},
		{entityTag{true, `"1"`}, `"2"`, false, false},
		{entityTag{false, `"1"`}, `"1"`, true, true},
	} {
		if strong(c.sent, c.current) != c.strong || weakly(c.sent, c.current) != c.weak {
			t.Errorf("%+v and %s: strong %v, weak %v", c.sent, c.current, strong(c.sent, c.current), weakly(c.sent, c.current))
		}
	}
}

func FuzzEntityTags(f *testing.F) {
	for _, s := range []string{`*`, `"a"`, `W/"a", "b"`, `"a`, `,`, `W/`, "\"\x80\"", `"a",`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, field string) {
		r := &http.Request{Header: http.Header{"If-Match": {field}}}
		p, err := readPreconditions(r)
		if err != nil {
			return
		}
		for _, tag := range p.match.tags {
			if !strings.Contains(field, tag.text) || len(tag.text) < 2 || tag.text[0] != '"' || tag.text[len(tag.text)-1] != '"' || strings.Count(tag.text, `"`) != 2 {
				t.Errorf("%q holds no tag %q", field, tag.text)
			}
		}
	})
}
