package headers

import (
	"net/http"
	"strings"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/problem"
)

// foreign tells whether a page of another origin asks, for which the browser
// wants our leave.
func foreign(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	_, host, _ := strings.Cut(origin, "://")
	return origin != "" && !strings.EqualFold(host, r.Host)
}

// unlisted is what the mode report records of such a page. Nothing is refused by
// this layer, and nothing is granted in any mode: it is the browser that keeps
// the answer from the page.
func unlisted() *problem.Error {
	return problem.New(http.StatusForbidden, "CORS_ORIGIN", "Forbidden", "This origin may not read the answer").From("headers", "the origin is listed")
}

// leave does not repeat the origin: it is the client's word.
func leave(*call.Call, *problem.Error) string {
	return "gatehouse.yaml: cors: { origins: [the page's origin] }"
}
