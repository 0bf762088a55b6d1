package contract

import (
	"strings"
	"testing"
)

func TestExcerpt(t *testing.T) {
	long := strings.Repeat("x", 300)
	src := &source{name: "f", lines: []string{"first", "\tsecond\x1b[31m line", long, "ünïcode: here", "a\u202eb\u009b31m!\x7f", strings.Repeat("y", 96), "z", strings.Repeat("y", 97), "z"}}
	for _, row := range []struct {
		at   mark
		want string
	}{
		{mark{src, 1, 1, 5}, "     1 | first\n         ^^^^^"},
		{mark{src, 2, 2, 6}, "     1 | first\n     2 |  second [31m line\n          ^^^^^^"},
		{mark{src, 3, 200, 3}, "     3 | " + strings.Repeat("x", 96) + "\n" + strings.Repeat(" ", 9+24) + "^^^"},
		{mark{src, 3, 290, 50}, "     3 | " + strings.Repeat("x", 35) + "\n" + strings.Repeat(" ", 9+24) + "^^^^^^^^^^^"},
		{mark{src, 3, 73, 3}, "     2 |  second [31m line\n     3 | " + strings.Repeat("x", 96) + "\n" + strings.Repeat(" ", 9+72) + "^^^"},
		{mark{src, 3, 74, 3}, "     3 | " + strings.Repeat("x", 96) + "\n" + strings.Repeat(" ", 9+24) + "^^^"},
		{mark{src, 4, 10, 4}, "     4 | ünïcode: here\n                  ^^^^"},
		{mark{src, 5, 2, 0}, "     4 | ünïcode: here\n     5 | a b 31m!\n          ^"},
		{mark{src, 7, 0, 1}, "     6 | " + strings.Repeat("y", 96) + "\n     7 | z\n         ^"},
		{mark{src, 7, 1, 5}, "     6 | " + strings.Repeat("y", 96) + "\n     7 | z\n         ^"},
		{mark{src, 9, 2, 5}, "     9 | z\n          ^"},
		{mark{src, 0, 0, 0}, ""},
		{mark{src, 10, 1, 1}, ""},
		{mark{}, ""},
	} {
		if got := row.at.excerpt(); got != row.want {
			t.Errorf("%d:%d\n%s\nwant\n%s", row.at.line, row.at.col, got, row.want)
		}
	}
}

func TestIssuesCount(t *testing.T) {
	one := Issues{{Position: Position{"f", 1, 2}, Code: "GH-CON-001", What: "what"}}
	if got := one.Error(); got != "f:1:2  GH-CON-001  what\n1 problem" {
		t.Errorf("got %q", got)
	}
	many := make(Issues, 60)
	if got := many.Error(); !strings.HasSuffix(got, "and 10 more\n60 problems") {
		t.Errorf("got %q", got[len(got)-40:])
	}
}

// TestClip holds what messages show of a document: no more than 200 bytes, whole
// characters, and nothing that would not print.
func TestClip(t *testing.T) {
	for text, want := range map[string]string{
		"a \"b\"":                       "a \"b\"",
		strings.Repeat("a", 200):        strings.Repeat("a", 200),
		strings.Repeat("a", 201):        strings.Repeat("a", 200) + "...",
		strings.Repeat("a", 199) + "é":  strings.Repeat("a", 199) + "...",
		strings.Repeat("a", 198) + "éb": strings.Repeat("a", 198) + "é...",
		"a\n\x1b[31m\u009b\u202eb\"":    `a\n\x1b[31m\u009b\u202eb\"`,
	} {
		if got := clip(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

func TestPosition(t *testing.T) {
	for want, p := range map[string]Position{"f": {File: "f"}, "f:2": {File: "f", Line: 2}, "f:2:3": {"f", 2, 3}} {
		if got := p.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
