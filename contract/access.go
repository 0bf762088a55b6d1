package contract

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-api/gatehouse/internal/nearest"
)

// Access says who may call an operation. Exactly one of Public, or one or more
// of Roles, Scopes and Own, is set.
type Access struct {
	Public bool     // anybody, signed in or not
	Roles  []string // principals with one of these roles
	Scopes []string // principals with all of these scopes
	Own    string   // principals who own the object: "path.userId", "query.user", "body.owner" (of JSON) or "row" (the handler's query decides)
	OrRole []string // with Own: roles that need not own it
}

// String writes the rule as the contract states it, on one line.
func (a Access) String() string {
	if a.Public {
		return "public"
	}
	var parts []string
	list := func(key string, words []string) {
		if len(words) > 0 {
			parts = append(parts, key+": ["+strings.Join(words, ", ")+"]")
		}
	}
	list("roles", a.Roles)
	list("scopes", a.Scopes)
	if a.Own != "" {
		parts = append(parts, "own: "+a.Own)
	}
	list("or_roles", a.OrRole)
	return "{ " + strings.Join(parts, ", ") + " }"
}

// noAccess is the issue that keeps an operation from being served.
func (l *loader) noAccess(s stated) {
	name := fmt.Sprintf("%s %s", strings.ToUpper(s.method.name), clip(s.path.name))
	l.add(s.method.key, Issue{Code: codeNoAccess, What: name + " says nothing about who may call it",
		Why: "It will not be served.",
		Fix: "Add one of\nx-gatehouse: { access: { roles: [admin] } }\nx-gatehouse: { access: { own: row } }\nx-gatehouse: { access: public }\n" +
			"or, in an overlay,\n" + name + ": { access: public }"})
}

// access reads an access rule.
func (l *loader) access(s spot, op stated) Access {
	switch {
	case s.text() == "public":
		return Access{Public: true}
	case s.is(isText):
		l.badAccess(s, fmt.Sprintf("%q is no access rule", clip(s.text())), "Write access: public, or\naccess: { roles: ["+clip(s.text())+"] }")
		return Access{}
	case len(s.members()) == 0:
		l.badAccess(s, "access names nobody", "Write access: public, or\naccess: { roles: [admin] }")
		return Access{}
	}
	var a Access
	for _, m := range s.members() {
		switch m.name {
		case "roles":
			a.Roles = l.roles(m)
		case "scopes":
			a.Scopes = l.words(m, "a scope")
		case "own":
			a.Own = l.own(m.spot, op)
		case "or_roles":
			a.OrRole = l.roles(m)
		default:
			l.unknownKey(m, []string{"roles", "scopes", "own", "or_roles"})
		}
	}
	if own, or := s.get("own"), s.get("or_roles"); or.exists() && !own.exists() {
		l.badAccess(spot{key: or.key}, "or_roles stands without own", "Write roles instead, or say what is owned: own: row")
	}
	return a
}

func (l *loader) badAccess(s spot, what, fix string) {
	l.add(s.at(), Issue{Code: codeAccess, What: what, Why: "Deny is the default: a rule must say whom it lets in.", Fix: fix})
}

// words reads a list that must not be empty.
func (l *loader) words(m named, what string) []string {
	words := l.texts(m.spot, what)
	if m.is(isList) && len(m.items()) == 0 {
		l.badAccess(m.spot, m.name+" is empty", "Name one at least, or leave it out.")
	}
	return words
}

// roles reads a list of roles, of which the gate must know each.
func (l *loader) roles(m named) []string {
	roles := l.words(m, "a role")
	for _, i := range m.each() {
		switch role := i.text(); {
		case role == "guest":
			l.add(i.at(), Issue{Code: codeRole, What: "guest is whoever has no role", Fix: "Write\naccess: public"})
		case role != "" && len(l.opt.Roles) > 0 && !slices.Contains(l.opt.Roles, role):
			l.add(i.at(), Issue{Code: codeRole, What: fmt.Sprintf("unknown role %q", clip(role)), Why: "Nobody can have it.", Fix: nearest.DidYouMean(role, l.opt.Roles)})
		}
	}
	return roles
}

// own reads what names the owner: something of the request that the contract
// describes, or "row".
func (l *loader) own(s spot, op stated) string {
	in, field, _ := strings.Cut(s.text(), ".")
	declared := func(p param) bool { return p.in == in && p.name == field }
	switch {
	case s.text() == "row":
	case (in == "path" || in == "query") && field != "":
		if !slices.ContainsFunc(op.params, declared) {
			var known []string
			for _, p := range op.params {
				if p.in == "path" || p.in == "query" {
					known = append(known, p.in+"."+p.name)
				}
			}
			l.badAccess(s, fmt.Sprintf("own names %q, and the operation has no such parameter", clip(s.text())), nearest.DidYouMean(s.text(), append(known, "row")))
		}
	case in == "body" && field != "":
		if !op.method.get("requestBody").exists() {
			l.badAccess(s, fmt.Sprintf("own names %q, and the operation takes no body", clip(s.text())), "Add requestBody, or name a parameter: own: path.id")
		}
	default:
		l.badAccess(s, "own says where the owner stands", "Write own: row when the handler's query decides, or path.NAME, query.NAME or body.NAME.")
	}
	return s.text()
}

// ownBody refuses an owner in a body that may be sent as anything but plain JSON.
// The owner is read before the body is validated; were the same bytes a form as
// well, the handler could find another one.
func (l *loader) ownBody(op *Operation, s stated) {
	own := s.method.get("x-gatehouse").get("access").get("own")
	if !strings.HasPrefix(own.text(), "body.") {
		return
	}
	refuse := func(how, fix string) {
		l.add(own.at(), Issue{Code: codeAccess, What: fmt.Sprintf("own names %q, and the body may be sent %s", clip(own.text()), how),
			Why: "The owner is read as JSON, and whoever reads the body in another way could find another owner.",
			Fix: fix + ", or let the handler's query decide: own: row"})
	}
	for _, m := range l.resolve(s.method.get("requestBody")).get("content").members() {
		if !isJSON(m.name) {
			refuse("as "+clip(m.name), "State no media type but JSON")
		}
	}
	if len(op.Encodings) > 0 {
		refuse("compressed", "Write encoding: []")
	}
}
