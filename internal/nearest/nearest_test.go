package nearest_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/nearest"
)

func TestWord(t *testing.T) {
	known := []string{"rate_limit", "listen", "public_url", "admin"}
	for _, row := range []struct{ word, want string }{
		{"rate_limt", "rate_limit"},
		{"lisetn", "listen"},
		{"PUBLIC_URL", "public_url"},
		{"admin", "admin"},
		{"colour", ""},
		{"", ""},
		{strings.Repeat("listen", 100), ""},
	} {
		if got := nearest.Word(row.word, known); got != row.want {
			t.Errorf("%q: %q, not %q", row.word, got, row.want)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	if got := nearest.DidYouMean("lsten", []string{"listen"}); got != `Did you mean "listen"?` {
		t.Error(got)
	}
	if got := nearest.DidYouMean("colour", []string{"a", "b"}); got != "Known are: a, b" {
		t.Error(got)
	}
}
