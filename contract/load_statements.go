package contract

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-api/gatehouse/internal/nearest"
	"github.com/gatehouse-api/gatehouse/problem"
)

// documentKeys may stand under x-gatehouse at the root, operationKeys under
// that of an operation and in an overlay.
func documentKeys() []string {
	return []string{"name", "errors", "limit", "budgets", "body", "unknown", "cache", "sensitive", "texts", "encoding", "answers"}
}

func operationKeys() []string {
	return []string{"access", "limit", "body", "unknown", "sensitive", "audit", "errors", "texts", "only", "cache", "page", "cost", "encoding", "answers"}
}

// maxCost is the most that one call may count.
const maxCost = 1_000_000

// documentStatements reads x-gatehouse at the root into the defaults of every
// operation.
func (l *loader) documentStatements(x spot) {
	l.statementObject(x)
	l.budgets(x.get("budgets")) // first: inline budgets must not take their names
	for _, m := range x.members() {
		switch {
		case m.name == "name":
			l.apiName(m.spot)
		case m.name == "access":
			l.add(m.key, Issue{Code: codeKey, What: "access is stated for each operation, not for the document",
				Why: "A new operation would be open before anybody thought of it.", Fix: "Move it under the operations it is for."})
		case !slices.Contains(documentKeys(), m.name):
			l.unknownKey(m, documentKeys())
		default:
			l.statement(&l.defaults, m, l.api.Name+".default")
		}
	}
}

// operationStatements reads x-gatehouse of an operation and tells whether the
// operation exists in this environment.
func (l *loader) operationStatements(op *Operation, s stated) (here bool) {
	x := s.method.get("x-gatehouse")
	here = true
	l.statementObject(x)
	for _, m := range x.members() {
		switch {
		case m.name == "access":
			op.Access, op.RuleAt = l.access(m.spot, s), m.key.position()
		case m.name == "only":
			here = slices.Contains(l.texts(m.spot, "an environment"), l.opt.Environment)
		case !slices.Contains(operationKeys(), m.name):
			l.unknownKey(m, operationKeys())
		default:
			l.statement(op, m, l.api.Name+"."+op.ID)
		}
	}
	if !x.get("access").exists() {
		l.noAccess(s)
	}
	l.ownBody(op, s)
	return here
}

func (l *loader) statementObject(x spot) {
	if x.exists() && !x.is(isObject) {
		l.add(x.at(), Issue{Code: codeStatement, What: "x-gatehouse must be an object, and is " + x.node.kind.String(),
			Fix: "Write it as\nx-gatehouse: { access: public }"})
	}
}

func (l *loader) unknownKey(m named, known []string) {
	fix := nearest.DidYouMean(m.name, known)
	if slices.Contains(documentKeys(), m.name) {
		fix = m.name + " is stated for the whole document, under x-gatehouse at its root."
	}
	if slices.Contains(operationKeys(), m.name) {
		fix = m.name + " is stated for an operation."
	}
	l.add(m.key, Issue{Code: codeKey, What: fmt.Sprintf("unknown key %q", clip(m.name)), Why: "It would have no effect.", Fix: fix})
}

// statement reads one statement that is the same for a document and an
// operation, and those of an operation alone.
func (l *loader) statement(op *Operation, m named, inlineName string) {
	switch m.name {
	case "limit":
		op.Budgets = l.limit(m.spot, inlineName)
	case "body":
		op.MaxBody = l.bodySize(m.spot)
	case "unknown":
		op.Unknown = Unknown(l.oneOf(m, string(Reject), string(Strip), string(Allow), string(Report)))
	case "errors":
		var known []string
		for _, d := range problem.Dialects() {
			known = append(known, string(d))
		}
		op.Errors = problem.Dialect(l.oneOf(m, known...))
	case "sensitive":
		op.Sensitive = append(slices.Clone(op.Sensitive), l.texts(m.spot, "a field")...)
	case "texts":
		op.Texts = l.refusalTexts(m.spot, op.Texts)
	case "audit":
		op.Audit = l.action(m.spot)
	case "cache":
		op.Cache = l.headerValue(m.spot)
	case "page":
		if op.Page = m.isTrue(); !m.is(isBool) {
			l.wrong(m.spot, "page is true or false", "Write page: true, or leave it out.")
		}
	case "encoding":
		op.Encodings = l.encodings(m.spot)
	case "answers":
		op.Strip = l.oneOf(m, "strip", "as_written") == "strip"
	case "cost":
		op.Cost = l.cost(m.spot)
	}
}

func (l *loader) wrong(s spot, what, fix string) {
	l.add(s.at(), Issue{Code: codeStatement, What: what, Fix: fix})
}

func (l *loader) oneOf(m named, known ...string) string {
	if !slices.Contains(known, m.text()) {
		what := fmt.Sprintf("%s is %s", m.name, strings.Join(known, ", "))
		if m.is(isText) {
			what += fmt.Sprintf(", not %q", clip(m.text()))
		}
		fix := "Write one of these words."
		if near := nearest.Word(m.text(), known); near != "" {
			fix = fmt.Sprintf("Did you mean %q?", near)
		}
		l.wrong(m.spot, what, fix)
	}
	return m.text()
}

// texts reads one text or a list of them. The result is never nil.
func (l *loader) texts(s spot, what string) []string {
	out := []string{}
	for _, i := range s.each() {
		out = append(out, i.text())
		if i.text() == "" {
			l.wrong(i, fmt.Sprintf("here stands %s, not the name of %s", i.noText(), what), "Write it in quotes.")
		}
	}
	return out
}

// encodings reads the content codings (RFC 9110 section 8.4.1) of bodies.
func (l *loader) encodings(s spot) []string {
	list := l.texts(s, "a content coding")
	for _, name := range list {
		if name != "gzip" && name != "deflate" {
			l.wrong(s, fmt.Sprintf("encoding is gzip or deflate, not %q", clip(name)), "Write encoding: [gzip], or leave it out: bodies are then sent as they are.")
		}
	}
	return list
}

func (l *loader) apiName(s spot) {
	if !isName(s.text()) {
		l.wrong(s, "name is made of letters, digits, - _ and .", "Write it as\nname: scheduler")
	}
	l.api.Name = s.text()
}

var (
	nameText   = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	notInNames = regexp.MustCompile(`[^A-Za-z0-9._-]`)
	actionText = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)
	headerText = regexp.MustCompile(`^[ -~]+$`)
)

// isName tells whether text can be part of a metric label, of a structured
// field (RFC 9651) and of a path.
func isName(text string) bool { return nameText.MatchString(text) }

func (l *loader) bodySize(s spot) int64 {
	n, err := ParseSize(s.node.text)
	switch {
	case !s.is(isText) && !s.is(isNumber):
		l.add(s.at(), Issue{Code: codeSize, What: "body is a size, and here stands " + s.node.kind.String(), Fix: "Write it as 100KB, 1MB, 64KiB or a number of bytes."})
	case err != nil:
		l.add(s.at(), Issue{Code: codeSize, What: err.Error(), Fix: "KB, MB and GB are powers of 1000, KiB, MiB and GiB of 1024."})
	case n == 0:
		l.add(s.at(), Issue{Code: codeSize, What: "a body of 0 bytes is no body", Fix: "An operation without requestBody takes none; leave this out."})
	}
	return n
}

func (l *loader) cost(s spot) int {
	var n int
	if s.is(isNumber) {
		n, _ = strconv.Atoi(s.node.text) // 0 for a fraction, the largest int for what is larger
	}
	if n < 1 || n > maxCost {
		l.wrong(s, fmt.Sprintf("cost is a whole number from 1 to %d", maxCost), "Leave it out for 1.")
	}
	return n
}

func (l *loader) action(s spot) string {
	if !actionText.MatchString(s.text()) {
		l.wrong(s, "audit is the name of an action: capitals, digits and _, a capital first", "Write it as UPDATE_INTERVIEW.")
	}
	return s.text()
}

func (l *loader) headerValue(s spot) string {
	if !headerText.MatchString(s.text()) {
		l.wrong(s, "cache is the value of Cache-Control, in plain ASCII", `Write it as "no-store" or "public, max-age=300".`)
	}
	return s.text()
}

// refusalTexts reads titles by Code, over those of the document.
func (l *loader) refusalTexts(s spot, before map[string]string) map[string]string {
	if !s.is(isObject) {
		l.wrong(s, "texts is an object of texts by code", "Write it as\ntexts: { RATE_LIMITED: \"Too many attempts\" }")
		return before
	}
	out := maps.Clone(before)
	if out == nil {
		out = map[string]string{}
	}
	for _, m := range s.members() {
		out[m.name] = m.text()
		if m.text() == "" {
			l.wrong(m.spot, fmt.Sprintf("the text for %s is %s", clip(m.name), m.noText()), "Write it in quotes.")
		}
	}
	return out
}
