package validate

import (
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/problem"
)

// remedy is what would let faults pass that the mode report let through.
type remedy struct {
	rule  string // the faults
	allow string // a line of an overlay; or what to do about the document; or that nothing helps
}

// reported is one refusal of a request, with what more is known of the request.
type reported struct {
	*problem.Error
	call *call.Call
	r    *http.Request
	in   input
}

// remedies are what would let pass each part of the refusal.
func (e reported) remedies() []remedy {
	if len(e.Fields) == 0 {
		return []remedy{{e.Rule, e.whole()}}
	}
	var policy, document []problem.Field
	never := map[string][]problem.Field{}
	for _, f := range e.Fields {
		switch why := whyNever(f.Code); {
		case why != "":
			never[why] = append(never[why], f)
		case f.Code == "unknown_field" || f.Code == "readOnly":
			policy = append(policy, f)
		default:
			document = append(document, f)
		}
	}
	out, rest := e.byPolicy(policy)
	if document = append(rest, document...); len(document) > 0 {
		out = append(out, remedy{e.list(document), "the document: relax " + e.list(document)})
	}
	for _, why := range slices.Sorted(maps.Keys(never)) {
		out = append(out, remedy{e.list(never[why]), "none: " + why})
	}
	return out
}

// whyNever tells why no statement allows what breaks a rule of this code, "" when
// one does.
func whyNever(code string) string {
	switch code {
	case "nul":
		return "a text with U+0000 ends there for stores and C programs"
	case "encoding":
		return "every text is UTF-8"
	case "separator":
		return "a bare ; separates for some readers and not for others; the client must write %3B"
	case "limit":
		return "the limit is fixed"
	case "json":
		return "the text is not JSON"
	case "malformed":
		return clientMust
	}
	return ""
}

const clientMust = "the client must send what the document describes"

// maxList is how long a list of faults may be, in bytes; what is longer a record
// would cut anyway.
const maxList = 300

// list names faults as the record does.
func (e reported) list(fields []problem.Field) string {
	var b strings.Builder
	for i, f := range fields {
		one := strings.TrimSpace(f.Code + " " + e.call.Operation().Hinted(f.Pointer))
		if i > 0 {
			if one = ", " + one; b.Len()+len(one) > maxList {
				return fmt.Sprintf("%s and %d more", b.String(), len(fields)-i)
			}
		}
		b.WriteString(one)
	}
	return b.String()
}

// byPolicy finds the policy for unknown fields under which the faults are gone
// and nothing else is wrong, by asking the contract. What only the server writes
// is never let in: strip takes it out. rest are the faults that no policy helps,
// because a schema itself is closed.
func (e reported) byPolicy(faults []problem.Field) (out []remedy, rest []problem.Field) {
	readOnly := slices.ContainsFunc(faults, func(f problem.Field) bool { return f.Code == "readOnly" })
	var best contract.Unknown
	rest = faults
	for _, policy := range []contract.Unknown{contract.Allow, contract.Strip} {
		if len(rest) == 0 || policy == contract.Allow && readOnly {
			continue
		}
		left := e.in.under(e.call, e.r, policy)
		if slices.ContainsFunc(left, func(f problem.Field) bool { return !broken(e.Fields, f) }) {
			continue // a member that is taken out may be one too few
		}
		still := slices.DeleteFunc(slices.Clone(faults), func(f problem.Field) bool { return !broken(left, f) })
		if len(still) < len(rest) {
			best, rest = policy, still
		}
	}
	if best == "" {
		return nil, rest
	}
	solved := slices.DeleteFunc(slices.Clone(faults), func(f problem.Field) bool { return broken(rest, f) })
	return []remedy{{e.list(solved), e.call.Statement("unknown: " + string(best))}}, rest
}

func broken(list []problem.Field, f problem.Field) bool {
	return slices.ContainsFunc(list, func(g problem.Field) bool { return g.Code == f.Code && g.Pointer == f.Pointer })
}

// under are the faults that the request would have under another policy for
// unknown fields.
func (in input) under(c *call.Call, r *http.Request, policy contract.Unknown) []problem.Field {
	op := *c.Operation()
	op.Unknown = policy
	_, faults := op.DecodeParams(r, c.Match().Values)
	if in.decode == nil {
		return faults
	}
	if refusal := in.decode(&op); refusal != nil {
		faults = append(faults, refusal.Fields...)
	}
	return faults
}

// whole says what would let pass a request that is refused as a whole. Media
// types stand in the document, which an overlay does not change.
func (e reported) whole() string {
	switch {
	case errors.Is(e.in.unpacked, errBomb):
		return "none: a body that grows more than a hundredfold is a bomb"
	case errors.Is(e.Cause, errTexts):
		return "none: a text of a form has 64 KiB at most, and all of them 128 KiB"
	case e.Status == http.StatusRequestEntityTooLarge:
		return e.size()
	case e.Status == http.StatusNotAcceptable:
		return "the document: state what the client accepts in the content of a 2XX answer"
	case e.Header.Get("Accept-Encoding") != "":
		return e.coding()
	case e.Status == http.StatusUnsupportedMediaType && nameable(e.r.Header.Get("Content-Type")):
		return "the document: state the media type of the body in the content of requestBody"
	case e.Status == http.StatusServiceUnavailable:
		return "none: there was no room for the body just then; the contract has nothing against it"
	default:
		return "none: " + clientMust
	}
}

// nameable tells whether a document can state a media type: there is one, and it
// asks for no charset but ours.
func nameable(contentType string) bool {
	name, params, err := mime.ParseMediaType(contentType)
	charset, stated := params["charset"]
	return err == nil && strings.Contains(name, "/") && !strings.Contains(name, "*") && (!stated || strings.EqualFold(charset, "utf-8"))
}

// size is the statement that lets a body of the size through that was seen: the
// stated one, or what came out of a compressed one.
func (e reported) size() string {
	coding, _ := codingOf(e.r.Header.Values("Content-Encoding"))
	switch {
	case coding != "" && e.in.size == 0:
		return "none: the body could not be unpacked to its end, so that its size is not known"
	case coding != "":
		return sizeLine(e.call, e.in.size, e.in.form)
	case e.r.ContentLength < 0:
		return "none: the handler did not read the body to its end, so that its size is not known"
	}
	return sizeLine(e.call, e.r.ContentLength, e.in.form)
}

// sizeLine states a size. What is no form is held as a whole, and must fit into
// the memory for bodies.
func sizeLine(c *call.Call, size int64, form bool) string {
	kilobytes := (size + 999) / 1000
	if held := c.MaxHeld(); !form && kilobytes*1000 > held {
		return fmt.Sprintf("none: a body that is no form is held as a whole, and %d bytes at most are", held)
	}
	return c.Statement("body: " + strconv.FormatInt(kilobytes, 10) + "KB")
}

// coding adds the content coding of the body to those of the operation, when it
// is one that can be stated. No other is repeated: it is the client's word.
func (e reported) coding() string {
	coding, several := codingOf(e.r.Header.Values("Content-Encoding"))
	if several || coding != "gzip" && coding != "deflate" {
		return "none: a body has one coding at most, gzip or deflate"
	}
	return e.call.Statement("encoding: [" + strings.Join(append(slices.Clone(e.call.Operation().Encodings), coding), ", ") + "]")
}
