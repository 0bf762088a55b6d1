package contract

import "net/http"

// SoundParams decodes those parameters that have no fault, by the same names as
// DecodeParams: what is left to a handler that is called although the request
// does not fit the contract.
func (o *Operation) SoundParams(r *http.Request, values []string) map[string]any {
	var q query
	bad := q.parse(r.URL.RawQuery, o.Params)
	out := make(map[string]any, len(o.Params))
	for i, p := range o.Params {
		if bad != nil && p.In == "query" {
			continue
		}
		if got := p.read(r, &q, o.segment(r, i, values)); got.there {
			out[p.key] = got.value
		}
	}
	return out
}
