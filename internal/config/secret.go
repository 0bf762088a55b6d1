package config

import (
	"fmt"
	"io"
	"log/slog"
)

// masked is what a secret looks like wherever it is printed.
const masked = "********"

// Secret is a value that is never printed: not by fmt, not by log/slog, not as
// JSON. Reveal is the one way to it.
type Secret struct{ text string }

// NewSecret makes a secret of a text; the empty text is no secret.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the text.
func (s Secret) Reveal() string { return s.text }

// IsSet tells whether there is a text.
func (s Secret) IsSet() bool { return s.text != "" }

// String masks the text; a secret that is not set is "".
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return masked
}

// Format masks the text under every verb of fmt, %d and %#v among them.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue masks the text in records.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON masks the text.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }
