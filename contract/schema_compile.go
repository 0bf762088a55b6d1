package contract

// compiler compiles the schemas of one OpenAPI document.
type compiler struct {
	name      string
	doc       map[string]any
	version30 bool
}

// compileError is a fault of the document, at an RFC 6901 pointer into it.
type compileError struct{ pointer, what, why, fix string }

// Error says what is wrong, why, and what to do.
func (e *compileError) Error() string { return e.pointer + ": " + e.what + ": " + e.why + ": " + e.fix }

// newCompiler takes the whole document as strictjson.Decode gives it.
func newCompiler(name string, doc map[string]any, version30 bool) *compiler {
	return &compiler{name: name, doc: doc, version30: version30}
}

func (c *compiler) schema(pointer string) (*Schema, error) { return &Schema{}, nil }

func (c *compiler) param(pointer string) (*Param, error) { return &Param{}, nil }

func (c *compiler) body(pointer string) (*Body, error) { return &Body{}, nil }

func (c *compiler) response(status, pointer string) (*Response, error) {
	return &Response{Status: status}, nil
}

func (c *compiler) socket(pointer string) (*Socket, error) { return &Socket{}, nil }
