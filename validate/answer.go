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
