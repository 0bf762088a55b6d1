package authn

import (
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/problem"
)

const noCredentials = "credentials are needed"

// allow says what would let a request pass that the mode report let through. The
// caller is a guest then, whatever credential was sent.
func allow(c *call.Call, e *problem.Error) string {
	switch {
	case e.Rule == noCredentials:
		return c.Statement("access: public")
	case e.Code == "CROSS_SITE":
		return "gatehouse.yaml: cors: { origins: [the page's origin] }"
	default:
		return "none: the client must send a credential that holds"
	}
}
