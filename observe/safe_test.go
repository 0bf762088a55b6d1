package observe

import "testing"

// The characters are the controls, line ends, marks of direction and those
// without width of the Unicode character database.
func TestHiddenCharacters(t *testing.T) {
	for _, r := range []rune{0, 0x1f, 0x7f, 0x80, 0x9f, 0x061c, 0x200b, 0x200f, 0x2028, 0x202e, 0x2060, 0x206f, 0xfeff} {
		if !hidden(r) {
			t.Errorf("%U is shown", r)
		}
	}
	for _, r := range []rune{' ', '~', 0xa0, 0x061b, 0x061d, 0x200a, 0x2010, 0x2027, 0x202f, 0x205f, 0x2070, 0xfefe, 0xff01, 0x4e00, 0x1f600} {
		if hidden(r) {
			t.Errorf("%U is not shown", r)
		}
	}
	if !plain("") || !plain(" ~") || plain("\x1f") || plain("\x7f") || plain("\u00e9") {
		t.Error("plain is from space to tilde")
	}
}

func TestSafeCutsToTheByte(t *testing.T) {
	for text, want := range map[string]string{
		"":                "",
		"12345678":        "12345678",
		"123456789":       "12345...",
		"\u00e91234":      "\u00e91234",
		"\u00e912345678":  "\u00e9123...",
		"1234567\n":       "12345...",
		"\xff":            `\xff`,
		"\x80":            `\x80`,
		"\ufffd":          "\ufffd",
		"\n":              `\u000a`,
		"\u202e":          `\u202e`,
		"\u00e9\u00e9\r1": "\u00e9\u00e9...",
		"12345\n":         "12345...",
		"\n\n":            "...",
		"1234\xff":        `1234\xff`,
		"12345\xff":       "12345...",
		"\u00e9123456":    "\u00e9123456",
	} {
		if got := safe(text, 8); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
