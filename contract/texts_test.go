package contract

import (
	"fmt"
	"testing"
)

func TestTexts(t *testing.T) {
	words := func(n int) []any {
		var out []any
		for i := range n {
			out = append(out, fmt.Sprintf("w%d", i))
		}
		return out
	}
	const twenty = "must be one of: w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, w16, w17, w18, w19"
	for _, row := range []struct{ got, want string }{
		{textType(kindNumber | kindInteger | kindNull), "must be a number or null"},
		{textType(kindNumber | kindInteger | kindBoolean | kindString), "must be a string, a number or true or false"},
		{textType(kindObject), "must be an object"},
		{textType(0), "is not a JSON value"},
		{textEnum([]any{"a"}), "must be a"},
		{textEnum([]any{"", nil, "a b", true}), `must be one of: "", null, "a b", true`},
		{textEnum(words(20)), twenty},
		{textEnum(words(21)), twenty + ", 1 more"},
		{textEnum(words(30)), twenty + ", 10 more"},
		{textFormat("uuid"), "must be a UUID, such as 018f4e3c-7d2a-7c51-9b1e-2f6a0c9d4e11"},
		{textFormat("iban"), "must be a valid iban"},
	} {
		if row.got != row.want {
			t.Errorf("got %q, want %q", row.got, row.want)
		}
	}
}
