package validate

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxFilename is how long the name of a file may be, in bytes, as on most file
// systems.
const maxFilename = 255

// safeFilename is the name of a file as it may be shown and stored: the last
// part of a path in either spelling, without control and format characters (a
// turned reading direction hides an ending), without what a shell or a file
// system reads otherwise, not hidden, not a device, not too long. "" stays "".
func safeFilename(name string) string {
	if name == "" {
		return ""
	}
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError || strings.ContainsRune(`<>:"|?*`, r):
			return '_'
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029':
			return -1
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, name)
	name = strings.TrimRight(strings.TrimLeft(name, ". "), ". ")
	if stem, _, _ := strings.Cut(name, "."); device(stem) {
		name = "_" + name
	}
	if name = shorten(name); name == "" {
		return "file"
	}
	return name
}

// device tells whether Windows takes a name for a device, whatever its ending.
func device(stem string) bool {
	stem = strings.ToUpper(strings.TrimSpace(stem))
	switch stem {
	case "CON", "PRN", "AUX", "NUL":
		return true
	}
	port := strings.HasPrefix(stem, "COM") || strings.HasPrefix(stem, "LPT")
	return port && len(stem) == 4 && stem[3] >= '0' && stem[3] <= '9'
}

// shorten cuts a name between characters and keeps a short ending.
func shorten(name string) string {
	if len(name) <= maxFilename {
		return name
	}
	ending := ""
	if dot := strings.LastIndexByte(name, '.'); len(name)-dot <= 16 {
		ending = name[dot:]
	}
	cut := maxFilename - len(ending)
	for !utf8.RuneStart(name[cut]) {
		cut--
	}
	return strings.TrimRight(name[:cut], ". ") + ending
}
