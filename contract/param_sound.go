package contract

import "net/http"

// SoundParams decodes those parameters that have no fault, by the same names as
// DecodeParams: what is left to a handler that is called although the request
// does not fit the contract.
func (o *Operation) SoundParams(r *http.Request, values []string) map[string]any {
	var q query
	bad := q.parse(r.URL.RawQuery, o.Params)
	out := make(map[string]any, len(o.Params))
	for _, p := range o.Params {
		if bad != nil && p.In == "query" {
			continue
		}
		var path segmentText
		if p.In == "path" && len(values) > 0 {
			path, values = segmentText{text: values[0]}, values[1:]
			if !p.JSON && (p.form.list() || p.form.object()) {
				path = o.rawSegment(r, p.Name, path)
			}
		}
		if v, there, faults := p.read(r, &q, path); there && len(faults) == 0 {
			out[p.key] = v
		}
	}
	return out
}
