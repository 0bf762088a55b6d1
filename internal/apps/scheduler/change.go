package scheduler

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
)

// newChange says what a request changes: its name in the audit log, and what
// makes it the same request when it is sent again.
func newChange(r *http.Request, c *call.Call, resource string, in any) (*store.Change, error) {
	ch := &store.Change{Resource: resource, RequestID: c.ID()}
	id := ""
	if op := c.Operation(); op != nil {
		ch.Action, id = op.Audit, op.ID
	}
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) == 0 {
		return ch, nil
	}
	if len(keys) > 1 || !validKey(keys[0]) {
		return nil, problem.Malformed("Idempotency-Key is 1 to 255 visible ASCII characters, sent once")
	}
	body, err := strictjson.Marshal(in)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append([]byte(id+" "+resource+" "), body...))
	ch.Idempotency = &store.Idempotency{Scope: scopeOf(c, id), Key: keys[0], Fingerprint: hex.EncodeToString(sum[:])}
	return ch, nil
}

// scopeOf keeps the keys of one caller apart from those of another. The store
// tells members apart; guests have nothing but their address.
func scopeOf(c *call.Call, operation string) string {
	if c.Principal() == nil {
		return operation + " " + c.Client().String()
	}
	return operation
}

func validKey(key string) bool {
	if key == "" || len(key) > 255 {
		return false
	}
	for _, b := range []byte(key) {
		if b < 0x21 || b > 0x7e {
			return false
		}
	}
	return true
}
