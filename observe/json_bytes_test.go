package observe

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
)

// TestEveryByteOfATextIsJSON: RFC 8259 section 7, and as log/slog writes it.
func TestEveryByteOfATextIsJSON(t *testing.T) {
	for b := range 256 {
		text := "a" + string([]byte{byte(b)}) + "b"
		var theirs bytes.Buffer
		slog.New(slog.NewJSONHandler(&theirs, nil)).Info(text)
		_, want, _ := strings.Cut(theirs.String(), `"msg":`)
		got := appendString(nil, text)
		if string(got)+"}\n" != want || !json.Valid(got) {
			t.Errorf("%q: %s instead of %s", text, got, want)
		}
	}
}
