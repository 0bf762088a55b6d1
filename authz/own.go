package authz

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
)

// owner reads who owns the object from the request itself, before validate has
// run: what it cannot read for certain is nobody's.
func owner(r *http.Request, c *call.Call, source string) (value string, ok bool, refusal *problem.Error) {
	in, name, _ := strings.Cut(source, ".")
	switch in {
	case "path":
		value, ok = pathValue(c.Operation().Path, c.Match().Values, name)
	case "query":
		value, ok = queryValue(r.URL.RawQuery, name)
	case "body":
		return bodyValue(r, c, name)
	}
	return value, ok, nil
}

// pathValue finds the value of a parameter by its place in the template.
func pathValue(template string, values []string, name string) (string, bool) {
	for i := range values {
		_, rest, found := strings.Cut(template, "{")
		if !found {
			break
		}
		parameter, after, _ := strings.Cut(rest, "}")
		if parameter == name {
			return values[i], true
		}
		template = after
	}
	return "", false
}

// queryValue takes a parameter that was sent once: of two, the handler might
// read the other.
func queryValue(query, name string) (string, bool) {
	all, err := url.ParseQuery(query)
	if err != nil || len(all[name]) != 1 {
		return "", false
	}
	return all[name][0], true
}

func bodyValue(r *http.Request, c *call.Call, name string) (string, bool, *problem.Error) {
	op := c.Operation()
	if op.Body == nil {
		return "", false, nil
	}
	refusal := jsonAlone(r, op.Body)
	var data []byte
	if refusal == nil {
		data, refusal = c.Body(r, op.MaxBody)
	}
	if refusal != nil {
		return "", false, refusal.From("authz", "own body."+name)
	}
	v, err := strictjson.Decode(data)
	if err != nil {
		return "", false, problem.Malformed("The body is not well-formed JSON").Because(err).
			From("authz", "own body."+name)
	}
	members, _ := v.(map[string]any)
	switch owner := members[name].(type) {
	case string:
		return owner, true, nil
	case json.Number:
		return owner.String(), true, nil
	default:
		return "", false, nil
	}
}

// jsonAlone refuses a body that somebody after us might read as anything but
// JSON: bytes can be a JSON text and a form at once, with an owner each.
func jsonAlone(r *http.Request, body *contract.Body) *problem.Error {
	types := r.Header.Values("Content-Type")
	switch {
	case r.ContentLength == 0:
		return nil
	case len(r.Header.Values("Content-Encoding")) > 0:
		return problem.New(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "Unsupported Media Type",
			"Send the body without Content-Encoding").With("Accept-Encoding", "identity")
	case len(types) > 1:
		return problem.Malformed("Content-Type is stated more than once")
	}
	media, refusal := body.Media(strings.Join(types, ""))
	if refusal == nil && !media.JSON {
		return problem.UnsupportedMedia("application/json")
	}
	return refusal
}
