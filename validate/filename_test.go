package validate

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSafeFilename(t *testing.T) {
	for name, want := range map[string]string{
		"":                   "",
		"a.png":              "a.png",
		"Résumé 2.pdf":       "Résumé 2.pdf",
		"../../etc/passwd":   "passwd",
		`C:\temp\a.png`:      "a.png",
		"/":                  "file",
		"..":                 "file",
		".htaccess":          "htaccess",
		"a.png. ":            "a.png",
		"a\x00.php\r\nX: y":  "a.phpX_ y",
		"photo\u202egpj.exe": "photogpj.exe",
		`<b>"a"|?*:`:         "_b__a_____",
		"CON":                "_CON",
		"nul.txt":            "_nul.txt",
		"LPT0":               "_LPT0", "com9": "_com9", "com10": "com10", "comx": "comx", "com/": "file",
		"a\u2028b\u2029c":        "abc",
		strings.Repeat("a", 255): strings.Repeat("a", 255),
		strings.Repeat("a", 256): strings.Repeat("a", 255),
		"com1.log":               "_com1.log",
		"com!.log":               "com!.log", "abc1.log": "abc1.log",
		strings.Repeat("é", 200) + ".png":                        strings.Repeat("é", 125) + ".png", // byte 251 is within a character
		strings.Repeat("a", 300) + "." + strings.Repeat("b", 15): strings.Repeat("a", 239) + "." + strings.Repeat("b", 15),
		strings.Repeat("a", 300) + "." + strings.Repeat("b", 16): strings.Repeat("a", 255),
		strings.Repeat("a", 254) + "." + strings.Repeat("b", 20): strings.Repeat("a", 254),
		"\xff.png":                         "_.png",
		strings.Repeat("é", 200) + ".jpeg": strings.Repeat("é", 125) + ".jpeg",
	} {
		if got := safeFilename(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func FuzzSafeFilename(f *testing.F) {
	for _, s := range []string{"a.png", "../x", "CON", strings.Repeat("é", 300), "\xff", ". ."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := safeFilename(name)
		if len(got) > maxFilename || !utf8.ValidString(got) || strings.ContainsAny(got, "/\\\x00\n") || strings.HasPrefix(got, ".") || (got == "") != (name == "") {
			t.Fatalf("%q: %q", name, got)
		}
	})
}
