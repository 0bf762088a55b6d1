package contract

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// bases are the base paths under which an operation is mounted: those of the
// innermost list of servers that is not empty. "" is the root.
func (l *loader) bases(lists ...spot) []string {
	for _, list := range lists {
		if len(list.items()) == 0 {
			continue
		}
		var out []string
		for _, server := range list.items() {
			if base := l.base(server); !slices.Contains(out, base) {
				out = append(out, base)
			}
		}
		return out
	}
	return []string{""}
}

// base is the path of a server's URL, without a slash at its end. It is "" too
// where the URL was refused.
func (l *loader) base(server spot) string {
	at := server.get("url")
	if !at.is(isText) {
		l.add(server.at(), Issue{Code: codeServer, What: "a server without a url", Fix: "Add\nurl: /api"})
	}
	text := l.substituted(at, server.get("variables"))
	u, err := url.Parse(text)
	if err != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		l.add(at.at(), Issue{Code: codeServer, What: fmt.Sprintf("%q is not the URL of a server", clip(text)),
			Fix: "Write a path, /api, or an absolute URL, https://api.example.org/v1, without query and fragment."})
		return ""
	}
	base := strings.TrimRight(u.EscapedPath(), "/")
	switch _, err := parseTemplate(base); {
	case base == "":
	case base[0] != '/':
		l.add(at.at(), Issue{Code: codeServer, What: fmt.Sprintf("the server %q is relative to wherever the document lies", clip(text)),
			Why: "Gatehouse mounts operations by their path and does not know that place.", Fix: "Begin it with a slash: /" + strings.TrimPrefix(clip(text), "./")})
		return ""
	case err != nil:
		l.add(at.at(), Issue{Code: codeServer, What: fmt.Sprintf("no request can match the base path %q", clip(base)), Why: sentence(err.Error()),
			Fix: "Write it as plain segments: /api/v1"})
		return ""
	}
	return base
}

// substituted puts the defaults of the server's variables into its URL; it is
// "" where one was refused.
func (l *loader) substituted(at, variables spot) string {
	var out strings.Builder
	rest := at.text()
	for {
		before, after, found := strings.Cut(rest, "{")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		name, tail, closed := strings.Cut(after, "}")
		value := variables.get(name).get("default")
		switch {
		case !closed:
			l.add(at.at(), Issue{Code: codeServer, What: "a { without its } in the URL of a server", Fix: "Write a variable as {version}."})
			return ""
		case value.is(isNumber):
			out.WriteString(value.node.text) // port: { default: 8443 } is common, if not quite text
		case !value.is(isText):
			l.add(at.at(), Issue{Code: codeServer, What: fmt.Sprintf("the variable %q has no default", clip(name)),
				Fix: fmt.Sprintf("Add\nvariables: { %s: { default: v1 } }", clip(name))})
			return ""
		default:
			out.WriteString(value.text())
		}
		rest = tail
	}
}
