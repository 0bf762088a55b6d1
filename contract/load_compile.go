package contract

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxRounds is how often a document with broken schemas is compiled, for the
// schema compiler tells one fault of a schema at a time.
const maxRounds = 32

// compileAll hands to the schema compiler what it knows. What it refuses is
// told, cut out, and the rest compiled again, until nothing new is found.
func (l *loader) compileAll(all []stated, ops []*Operation) {
	for range maxRounds {
		before := len(l.cut)
		l.compiler = newCompiler(l.name, l.root.node.value(l.cut).(map[string]any), l.v30)
		l.compiler.roles = l.opt.Roles
		for i, s := range all {
			l.compile(ops[i], s)
		}
		if len(l.cut) == before {
			return // another round would find the same
		}
	}
}

func (l *loader) compile(op *Operation, s stated) {
	op.Params, op.Responses = nil, map[string]*Response{}
	for _, p := range s.params {
		if compiled, err := l.compiler.param(p.final.ptr); l.compiled(p.final, err) {
			op.Params = append(op.Params, compiled)
			l.undecided(compiled.Schema, fmt.Sprintf("the %s parameter %q", p.in, clip(p.name)))
		}
	}
	l.takesRest(op, s.params)
	if body := l.resolve(s.method.get("requestBody")); body.exists() {
		compiled, err := l.compiler.body(body.ptr)
		if l.compiled(body, err) && compiled != nil {
			for _, name := range sortedKeys(compiled.Content) {
				l.unread(compiled.Content[name].unread, name, "write_roles")
			}
		}
		op.Body = compiled
	}
	for _, r := range s.method.get("responses").members() {
		switch {
		case strings.HasPrefix(r.name, "x-"):
		case !statusText.MatchString(r.name):
			l.add(r.key, Issue{Code: codeShape, What: fmt.Sprintf("%q is no status", clip(r.name)), Fix: `Write "200", "4XX" or default.`})
		default:
			if final := l.resolve(r.spot); final.exists() {
				compiled, err := l.compiler.response(r.name, final.ptr)
				if l.compiled(final, err) {
					l.unreadAnswers(op, compiled)
				}
				op.Responses[r.name] = compiled
			}
		}
	}
	op.named = op.requestNames()
	op.produces, op.private = producedBy(op.Responses), anyPrivate(op.Responses)
	l.socket(op, s.method.get("x-gatehouse-websocket"))
}

// takesRest puts the parameter whose members may have any name behind the others,
// and reports a second one.
func (l *loader) takesRest(op *Operation, all []param) {
	var last []*Param
	op.Params = slices.DeleteFunc(op.Params, func(p *Param) bool {
		if p.rest {
			last = append(last, p)
		}
		return p.rest
	})
	op.Params = append(op.Params, last...)
	if len(last) < 2 {
		return
	}
	first, second := last[0].Name, last[1].Name
	i := slices.IndexFunc(all, func(p param) bool { return p.in == "query" && p.name == second })
	l.add(all[i].final.at(), Issue{Code: codeParam, What: fmt.Sprintf("the query parameter %q takes every name, and so does %q", clip(second), clip(first)),
		Why: "Whose member a name is would be anybody's guess.", Fix: "State style: deepObject for one of them, or the names of its members and additionalProperties: false."})
}

func (l *loader) socket(op *Operation, ws spot) {
	if !ws.exists() {
		return
	}
	if op.Method != "GET" {
		l.add(ws.key, Issue{Code: codeStatement, What: "x-gatehouse-websocket stands at " + op.Method,
			Why: "A WebSocket begins with GET (RFC 6455 section 4.1).", Fix: "Move it to get."})
	}
	compiled, err := l.compiler.socket(ws.ptr)
	l.compiled(ws, err)
	op.Socket = compiled
	if err != nil {
		return
	}
	for _, messages := range []map[string]*Schema{compiled.Receive, compiled.Send} {
		for _, name := range sortedKeys(messages) {
			l.undecided(messages[name], fmt.Sprintf("the WebSocket message %q", clip(name)))
		}
	}
}

// undecided reports roles for what no role decides on: parameters, and messages
// of a WebSocket.
func (l *loader) undecided(s *Schema, where string) {
	l.unroled(s, where, "Roles decide on the members of bodies and answers; here every role would pass.",
		"Remove it and say under access who may call, or, where a body needs it, give "+where+" a schema of its own.", "write_roles", "read_roles")
}

// unread reports roles in the schema of a media type in which members are not
// looked for.
func (l *loader) unread(s *Schema, mediaType, key string) {
	if s == nil {
		return
	}
	l.unroled(s, mediaType, "Members are looked for in JSON and, of a body, in forms; here every role would pass.",
		fmt.Sprintf("Describe JSON in place of %s, or give %s a schema of its own without the member.", mediaType, mediaType), key)
}

// unreadAnswers does so for the media types of an answer, and reports members
// that answers: strip could not take out.
func (l *loader) unreadAnswers(op *Operation, r *Response) {
	for _, pointer := range sortedKeys(r.unread) {
		s, at := r.unread[pointer], l.root.walk(pointer)
		mediaType := lastToken(pointer)
		l.unread(s, mediaType, "read_roles")
		if op.Strip && s.members() {
			l.add(at.key, Issue{Code: codeStatement, What: "answers: strip has no effect in " + mediaType,
				Why: "Members are looked for in JSON alone; here all of them would leave.",
				Fix: fmt.Sprintf("Remove %s here, or state\nx-gatehouse: { answers: as_written }\nfor the operation, in an overlay too.", mediaType)})
		}
	}
}

// unroled reports roles that nobody asks for.
func (l *loader) unroled(s *Schema, where, why, fix string, keys ...string) {
	for _, n := range s.root.under() {
		pointer := l.compiler.pointerOf(n.lib, "\x00") // a meta-schema stands outside of the document
		for _, key := range keys {
			if at := l.root.walk(pointer + "/x-gatehouse/" + key); at.exists() {
				l.add(at.key, Issue{Code: codeStatement, What: key + " has no effect in " + where, Why: why, Fix: fix})
			}
		}
	}
}

// compiled reports an error of the schema compiler at the place it names, or at
// the nearest place above that stands in the document as it was written.
func (l *loader) compiled(s spot, err error) bool {
	if err == nil {
		return true
	}
	at, issue := s, Issue{Code: codeSchema, What: err.Error(), Fix: "See the 2020-12 specification of JSON Schema."}
	if e, ok := errors.AsType[*compileError](err); ok {
		issue = Issue{Code: codeSchema, What: e.what, Why: sentence(e.why), Fix: sentence(e.fix)}
		for pointer := e.pointer; pointer != ""; pointer = pointer[:strings.LastIndexByte(pointer, '/')] {
			if found := l.root.walk(pointer); found.exists() {
				at = found
				break
			}
		}
	}
	l.cut[at.node] = true
	l.add(at.at(), issue)
	return false
}

// sentence begins with a capital letter and ends with a full stop.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(s)
	s = string(unicode.ToUpper(first)) + s[size:]
	if strings.HasSuffix(s, ".") || strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}
