package contract

import (
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/gatehouse-api/gatehouse/problem"
)

// Schema is one compiled JSON Schema (2020-12; 3.0 schemas are translated to
// it). It is immutable and safe for use by many goroutines.
type Schema struct {
	lib *jsonschema.Schema
}

// Validate checks a value as strictjson.Decode gives it and returns every
// fault, nil when there is none. No fault quotes the value.
func (s *Schema) Validate(v any) []problem.Field {
	return nil
}

// Prepare does to a value what the contract says before it is validated.
func (s *Schema) Prepare(v any, u Unknown) (out any, changed bool, unknown []problem.Field) {
	return v, false, nil
}
