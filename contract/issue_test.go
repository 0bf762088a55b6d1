package contract

import (
	"strings"
	"testing"
)

func TestExcerpt(t *testing.T) {
	long := strings.Repeat("x", 300)
	src := &source{name: "f", lines: []string{"first", "\tsecond\x1b[31m line", long, "ünïcode: here"}}
	for _, row := range []struct {
		at   mark
		want string
	}{
		{mark{src, 1, 1, 5}, "     1 | first\n         ^^^^^"},
		{mark{src, 2, 2, 6}, "     1 | first\n     2 |  second [31m line\n          ^^^^^^"},
		{mark{src, 3, 200, 3}, "     3 | " + strings.Repeat("x", 96) + "\n" + strings.Repeat(" ", 9+24) + "^^^"},
		{mark{src, 3, 290, 50}, "     3 | " + strings.Repeat("x", 35) + "\n" + strings.Repeat(" ", 9+24) + "^^^^^^^^^^^"},
		{mark{src, 4, 10, 4}, "     4 | ünïcode: here\n                  ^^^^"},
		{mark{src, 0, 0, 0}, ""},
		{mark{src, 9, 1, 1}, ""},
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

func TestPosition(t *testing.T) {
	for want, p := range map[string]Position{"f": {File: "f"}, "f:2": {File: "f", Line: 2}, "f:2:3": {"f", 2, 3}} {
		if got := p.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
