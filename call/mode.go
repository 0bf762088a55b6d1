package call

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/nearest"
	"github.com/gatehouse-api/gatehouse/problem"
)

// Mode is what a layer does with a request that it would refuse.
type Mode uint8

// The modes. The zero value is Enforce.
const (
	Enforce Mode = iota // the request is refused
	Report              // the request goes on, and the record says what would have been refused
	Off                 // the layer does not look at the request
)

// String is the word for the mode in settings and records.
func (m Mode) String() string {
	switch m {
	case Enforce:
		return "enforce"
	case Report:
		return "report"
	case Off:
		return "off"
	}
	return fmt.Sprintf("Mode(%d)", uint8(m))
}

// AnyAPI is the entry of Modes for requests that no operation answers, and for
// every API as far as its own entry does not say otherwise.
const AnyAPI = "*"

// Modes are the layers that do not enforce: the mode by API name (or AnyAPI) and
// by layer name. What is not in it is enforced.
type Modes map[string]map[string]Mode

// Relaxable lists the layers that have modes. The others have none: call, observe
// and route find out and record what happens, and refuse only what no
// contract describes.
func Relaxable() []string { return []string{"tls", "headers", "limit", "authn", "authz", "validate"} }

// Relaxation is one layer that does not enforce for one API.
type Relaxation struct {
	API   string // name of the contract, or AnyAPI
	Layer string // one of Relaxable
	Mode  Mode   // Report or Off
}

// String writes the relaxation on one line: "scheduler: validate report".
func (r Relaxation) String() string { return r.API + ": " + r.Layer + " " + r.Mode.String() }

// Relaxed lists what is not enforced, by API and layer.
func (m Modes) Relaxed() []Relaxation {
	var all []Relaxation
	for api, layers := range m {
		for layer, mode := range layers {
			if mode != Enforce {
				all = append(all, Relaxation{api, layer, mode})
			}
		}
	}
	slices.SortFunc(all, func(a, b Relaxation) int {
		return cmp.Or(strings.Compare(a.API, b.API), strings.Compare(a.Layer, b.Layer))
	})
	return all
}

// check tells every name in m that is neither a layer nor an API of t.
func (m Modes) check(t *contract.Table) error {
	apis := []string{AnyAPI}
	if t != nil {
		for _, api := range t.APIs() {
			apis = append(apis, api.Name)
		}
	}
	for _, api := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(apis, api) {
			return fmt.Errorf("call: Modes: no contract is called %q. %s", api, nearest.DidYouMean(api, apis))
		}
		for _, layer := range slices.Sorted(maps.Keys(m[api])) {
			if !slices.Contains(Relaxable(), layer) {
				return fmt.Errorf("call: Modes: no layer with modes is called %q. %s", layer, nearest.DidYouMean(layer, Relaxable()))
			}
			if m[api][layer] > Off {
				return fmt.Errorf("call: Modes: %s of %s is %s", layer, api, m[api][layer])
			}
		}
	}
	return nil
}

// joined is m with AnyAPI under every API of t, ready to be looked up; nil when
// everything is enforced.
func (m Modes) joined(t *contract.Table) Modes {
	if len(m.Relaxed()) == 0 {
		return nil
	}
	out := Modes{AnyAPI: m[AnyAPI]}
	if t == nil {
		return out
	}
	for _, api := range t.APIs() {
		own := map[string]Mode{}
		maps.Copy(own, m[AnyAPI])
		maps.Copy(own, m[api.Name])
		out[api.Name] = own
	}
	return out
}

// of are the modes of one operation by layer; nil is no operation.
func (m Modes) of(op *contract.Operation) map[string]Mode {
	if m == nil {
		return nil
	}
	if op != nil {
		if own, stated := m[op.API.Name]; stated {
			return own
		}
	}
	return m[AnyAPI]
}

// Mode is the mode of a layer for this request.
func (c *Call) Mode(layer string) Mode {
	if c.modes == nil {
		return Enforce
	}
	return c.modes[layer]
}

// Pardon is a refusal that the mode Report let through.
type Pardon struct {
	Layer string // "limit", "validate", …
	Code  string // what the client would have been told
	Rule  string // what decided
	Allow string // what to state so that it is allowed: a line of an overlay, or of the settings
}

// Pardons are the refusals that were let through, in order.
func (c *Call) Pardons() []Pardon { return c.pardons }

// Stopped is how a layer says no: by the mode of the layer that e names. Under
// Enforce it refuses and returns true. Under Report it keeps the refusal for the
// record, with what allow says would allow the request, and returns false: the
// layer goes on as if it had not objected.
func Stopped(w http.ResponseWriter, r *http.Request, e *problem.Error, allow func(*Call, *problem.Error) string) bool {
	c := From(r.Context())
	if c == nil || c.Mode(e.Layer) == Enforce {
		Refuse(w, r, e)
		return true
	}
	c.pardons = append(c.pardons, Pardon{Layer: e.Layer, Code: e.Code, Rule: e.Rule, Allow: allow(c, e)})
	return false
}

// Learned says anew what would allow a refusal that a layer let through, when
// more is known at the end of the call than when it was let through.
func (c *Call) Learned(layer, code, allow string) {
	for i, p := range c.pardons {
		if p.Layer == layer && p.Code == code {
			c.pardons[i].Allow = allow
		}
	}
}

// Statement is the line of an overlay that states something for the operation of
// the call: `GET /notes: { access: public }`. It is "" when there is no operation.
func (c *Call) Statement(text string) string {
	op := c.match.Operation
	if op == nil {
		return ""
	}
	return op.Key + ": { " + text + " }"
}
