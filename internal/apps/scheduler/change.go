package scheduler

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// newChange says what a request changes: its name in the audit log, and what
// makes it the same request when it is sent again.
func newChange(c *call.Call, resource string, in any) (*store.Change, error) {
	ch := &store.Change{Resource: resource, RequestID: c.ID()}
	id := ""
	if op := c.Operation(); op != nil {
		ch.Action, id = op.Audit, op.ID
	}
	v, _ := c.Param("header.Idempotency-Key")
	key, sent := v.(string)
	if !sent {
		return ch, nil
	}
	body, err := strictjson.Marshal(in)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append([]byte(id+" "+resource+" "), body...))
	ch.Idempotency = &store.Idempotency{Scope: scopeOf(c, id), Key: key, Fingerprint: hex.EncodeToString(sum[:])}
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
