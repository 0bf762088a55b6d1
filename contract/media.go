package contract

import (
	"mime"
	"slices"
	"strings"
)

const (
	urlEncodedForm = "application/x-www-form-urlencoded"
	multipartForm  = "multipart/form-data"
)

// isJSON tells whether a media type is JSON: by name, or by its suffix (RFC 6839
// §3.1). text/json is what ASP.NET Core lists beside application/json.
func isJSON(mediaType string) bool {
	name := mediaName(mediaType)
	return name == "application/json" || name == "text/json" || strings.HasSuffix(name, "+json")
}

// mediaName is a media type without its parameters, in lower case.
func mediaName(name string) string {
	plain, _, _ := strings.Cut(strings.ToLower(name), ";")
	return strings.TrimSpace(plain)
}

// mediaKey is the name under which a media type of a document is looked up: with
// its parameters, but for the charset, which is UTF-8 anyhow.
func mediaKey(name string) string {
	plain, params, err := mime.ParseMediaType(name)
	if err != nil {
		return mediaName(name)
	}
	delete(params, "charset")
	return mime.FormatMediaType(plain, params)
}

func isRange(key string) bool { return strings.Contains(key, "*") }

// lookMedia finds what a document states of a media type: by its name, or by the
// ranges type/*+suffix, type/* and */*, the most specific first (OAS 3.1 §4.8.14).
func lookMedia[T any](content map[string]T, name string, params map[string]string) (m T, key string, ok bool) {
	kind, sub, _ := strings.Cut(name, "/")
	suffix := name
	if i := strings.LastIndexByte(sub, '+'); i >= 0 {
		suffix = kind + "/*" + sub[i:]
	}
	for _, plain := range [...]string{name, suffix, kind + "/*", "*/*"} {
		if key, ok = narrowest(content, plain, params); ok {
			return content[key], key, true
		}
	}
	return m, "", false
}

// narrowest finds, among the keys that differ only in their parameters, the one
// with the most of those that a message states. Where there is but one, the
// message need not state them, and must not state others.
func narrowest[T any](content map[string]T, plain string, params map[string]string) (best string, ok bool) {
	most, only, keys := -1, "", 0
	for key := range content {
		own, rest, _ := strings.Cut(key, ";")
		if own != plain {
			continue
		}
		other, missing := 0, 0
		var wanted map[string]string
		if rest != "" {
			_, wanted, _ = mime.ParseMediaType(key)
			for name, v := range wanted {
				switch stated, there := params[name]; {
				case !there:
					missing++
				case stated != v:
					other++
				}
			}
		}
		if keys++; other == 0 {
			only = key
		}
		if other+missing == 0 && (len(wanted) > most || len(wanted) == most && key < best) {
			most, best = len(wanted), key
		}
	}
	if keys == 1 {
		best = only
	}
	return best, best != ""
}

// structured tells whether all values of a schema are objects or lists, which no
// plain text is.
func (s *Schema) structured() bool {
	kinds := allowed(s.root)
	return kinds&kindString == 0 && kinds&(kindObject|kindArray) != 0
}

// members tells whether a schema says of what its values are made: then a message
// in which that cannot be looked up must not pass for one in which it was.
func (s *Schema) members() bool {
	return s.structured() || slices.ContainsFunc(s.root.under(), func(n *node) bool {
		return len(n.properties) > 0 || n.patterns != nil || n.additional != nil || n.closed || n.restFields != nil ||
			n.writeRoles != nil || n.readRoles != nil
	})
}
