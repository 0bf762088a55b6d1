package limit

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// The fields as net/http spells them, so that they can be assigned without
// canonicalisation.
const (
	policyField = "Ratelimit-Policy"
	stateField  = "Ratelimit"
	xLimitField = "X-Ratelimit-Limit"
	xLeftField  = "X-Ratelimit-Remaining"
	xResetField = "X-Ratelimit-Reset"
)

// announce states every budget that the call counted against. A later stage adds
// lines of its own: both fields are Lists, which may be split (RFC 9651 §3.1).
func (l *layer) announce(h http.Header, a *attempt) {
	if before := h[policyField]; before == nil {
		h[policyField] = a.plan.policy
	} else {
		h[policyField] = append(slices.Clip(before), a.plan.policy...)
	}
	h[stateField] = append(h[stateField], a.state())
	if l.cfg.XRateLimit {
		l.announceX(h, a)
	}
}

// revise replaces what announce said.
func (l *layer) revise(h http.Header, a *attempt) {
	lines, policies := h[stateField], h[policyField]
	for i := range min(len(lines), len(policies)) {
		if policies[i] == a.plan.policy[0] {
			lines[i] = a.state()
		}
	}
}

// state is the RateLimit items of an attempt, "name";r=left;t=seconds each.
func (a *attempt) state() string {
	var room [256]byte
	b := room[:0]
	for i, name := range a.plan.names {
		if i > 0 {
			b = append(b, ", "...)
		}
		d := &a.decisions[i]
		b = append(b, name...)
		b = append(b, ";r="...)
		b = strconv.AppendInt(b, int64(d.Remaining), 10)
		b = append(b, ";t="...)
		b = strconv.AppendInt(b, seconds(int64(d.Reset)), 10)
	}
	return string(b)
}

// announceX states the budget of which least is left, of this stage and of those
// before it, in the older fields.
func (l *layer) announceX(h http.Header, a *attempt) {
	least := 0
	for i := range a.plan.counters {
		if a.decisions[i].Remaining < a.decisions[least].Remaining {
			least = i
		}
	}
	d := a.decisions[least]
	if said, err := strconv.Atoi(h.Get(xLeftField)); err == nil && said <= d.Remaining {
		return
	}
	reset := l.cfg.Now().Add(d.Reset).Add(time.Second - 1).Unix()
	h[xLimitField] = []string{strconv.Itoa(a.plan.counters[least].budget.Requests)}
	h[xLeftField] = []string{strconv.Itoa(d.Remaining)}
	h[xResetField] = []string{strconv.FormatInt(reset, 10)}
}
