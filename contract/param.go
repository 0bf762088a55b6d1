package contract

import (
	"net/http"

	"github.com/gatehouse-api/gatehouse/problem"
)

// Param is one compiled parameter.
type Param struct {
	Name     string  // as the request states it; header names in canonical form
	In       string  // "path", "query", "header" or "cookie"
	Required bool    // path parameters always are
	Style    string  // "simple", "form", "label", "matrix", "spaceDelimited", "pipeDelimited" or "deepObject"
	Explode  bool    // whether each item or member stands by itself
	Schema   *Schema // what the value must be
}

// DecodeParams decodes and validates the parameters of a request; values are
// those of the path, in the order of the template (Match.Values).
func (o *Operation) DecodeParams(r *http.Request, values []string) (map[string]any, []problem.Field) {
	return nil, nil
}
