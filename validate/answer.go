package validate

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/problem"
)

// maxAnswer is the largest answer that is kept back to be checked, in bytes.
const maxAnswer = 1 << 20

// maxFiltered is the largest answer that is filtered, in bytes.
const maxFiltered = 8 << 20

// filters tells whether members of the answer may have to be taken out. Only the
// mode off lets them go.
func filters(c *call.Call) bool {
	op := c.Operation()
	return op != nil && op.Filters() && op.Socket == nil && c.Mode("validate") != call.Off
}

// serveFiltered serves with the whole answer kept back, and lets go of it what
// the caller may see. What cannot be read does not leave.
func (l *layer) serveFiltered(c *call.Call, r *http.Request, next http.Handler) {
	w := c.ResponseWriter()
	c.HoldWhole(maxFiltered)
	defer c.Drop()
	next.ServeHTTP(w, r)
	if c.Refusal() == nil {
		l.filter(c, r)
	}
	c.Send()
}

// filter puts what may leave in the place of the answer that is kept back.
func (l *layer) filter(c *call.Call, r *http.Request) {
	w := c.ResponseWriter()
	status, body, held := c.Held()
	err := errTooLarge
	if held {
		body, err = l.filtered(c, status, body)
	}
	switch {
	case err != nil:
		c.Drop()
		call.Refuse(w, r, problem.Internal(err).From("validate", "answer: cannot be filtered"))
	case r.Method == http.MethodHead:
		w.Header().Del("Content-Length") // it counts what the caller may not see
	default:
		c.Replace(body)
	}
}

var errTooLarge = errors.New("the answer is too large to be filtered")

// filtered is what may leave of an answer.
func (l *layer) filtered(c *call.Call, status int, body []byte) ([]byte, error) {
	op, header := c.Operation(), c.ResponseWriter().Header()
	if coding := header.Get("Content-Encoding"); coding != "" && len(body) > 0 {
		return nil, errors.New("the answer is compressed and cannot be filtered")
	}
	body, err := op.FilterAnswer(c.Principal().RoleOf(), status, header.Get("Content-Type"), body)
	if err != nil || l.responses != Report && l.responses != Enforce || status == http.StatusNotModified {
		return body, err
	}
	faults := op.CheckResponse(status, header.Get("Content-Type"), body)
	for _, f := range faults {
		c.Note("validate", "answer", strings.TrimSpace(f.Code+" "+f.Pointer))
	}
	if len(faults) > 0 && l.responses == Enforce {
		return nil, brokenContract(faults)
	}
	return body, nil
}

// looks tells whether the answer to this request is checked. HEAD has no body to
// check, and a WebSocket no answer.
func (l *layer) looks(c *call.Call, r *http.Request) bool {
	checked := l.responses == Report || l.responses == Enforce
	return checked && c.Mode("validate") != call.Off && c.Operation().Socket == nil && r.Method != http.MethodHead
}

// serveHeld serves with the answer kept back, and lets it go when the contract
// describes it. A refusal is not the operation's own answer: it has the form of
// the door it left through.
func (l *layer) serveHeld(c *call.Call, r *http.Request, next http.Handler) {
	w := c.ResponseWriter()
	c.Hold(maxAnswer)
	defer c.Drop() // when next panics: what it had begun is not an answer
	next.ServeHTTP(w, r)
	status, body, held := c.Held()
	if !held {
		c.Note("validate", "answer", "not checked: streamed or too large")
		return
	}
	faults := c.Operation().CheckResponse(status, w.Header().Get("Content-Type"), body)
	if c.Refusal() != nil || status == http.StatusNotModified || len(faults) == 0 {
		c.Send()
		return
	}
	for _, f := range faults {
		c.Note("validate", "answer", strings.TrimSpace(f.Code+" "+f.Pointer))
	}
	if l.responses == Report || c.Mode("validate") == call.Report {
		c.Send()
		return
	}
	c.Drop()
	call.Refuse(w, r, problem.Internal(brokenContract(faults)).From("validate", "answer: "+faults[0].Code+" "+faults[0].Pointer))
}

func brokenContract(faults []problem.Field) error {
	var list []string
	for _, f := range faults {
		list = append(list, strings.TrimSpace(f.Pointer+" "+f.Message))
	}
	return errors.New("the answer breaks the contract: " + strings.Join(list, "; "))
}
