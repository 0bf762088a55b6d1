package contract

import "strings"

// Named cuts the pointer of a fault in a request before the first name that
// neither the parameters nor the schemas of this operation state. What is left
// may be recorded: any other name was chosen by the client, and may be a secret
// that went to the wrong place.
func (o *Operation) Named(pointer string) string {
	known := o.named
	if known == nil { // of an operation that no document made
		known = o.requestNames()
	}
	end := 0
	for part := range strings.SplitSeq(pointer, "/") {
		if name := unescapeToken(part); !known[name] && !isIndex(name) {
			break
		}
		end += len(part) + 1
	}
	return pointer[:max(end-1, 0)]
}

// Hinted is Named with the next name as well, where that is a plain word: at most
// 24 letters, "_" and "-". It is for who reads a report to change the contract,
// which takes the name; keys, tokens and addresses have digits, dots or more.
func (o *Operation) Hinted(pointer string) string {
	known := o.Named(pointer)
	next, _, _ := strings.Cut(strings.TrimPrefix(pointer[len(known):], "/"), "/")
	if next == "" || len(next) > 24 || strings.Trim(strings.ToLower(next), "abcdefghijklmnopqrstuvwxyz_-") != "" {
		return known
	}
	return known + "/" + next
}

// requestNames are all names that this operation states for what it is sent.
func (o *Operation) requestNames() map[string]bool {
	known := map[string]bool{"#": true}
	known["query"] = true // where unknown parameters are, though it may have none
	var schemas []*Schema
	for _, p := range o.Params {
		known[p.In], known[p.Name] = true, true
		schemas = append(schemas, p.Schema)
	}
	if o.Body != nil {
		for _, m := range o.Body.Content {
			schemas = append(schemas, m.Schema)
		}
	}
	for _, s := range schemas {
		if s == nil {
			continue
		}
		for _, n := range s.root.under() {
			n.names(known)
		}
	}
	return known
}

// names adds the names of members that n itself states.
func (n *node) names(known map[string]bool) {
	for name := range n.properties {
		known[name] = true
	}
	for _, name := range n.required {
		known[name] = true
	}
	for _, d := range n.dependent {
		known[d.name] = true
		for _, name := range d.needs {
			known[name] = true
		}
	}
}

// isIndex tells whether a part of a pointer is an item of a list, and no number
// that could be somebody's. What stands before the first slash is none of anybody.
func isIndex(name string) bool {
	return len(name) <= 3 && strings.Trim(name, digits) == ""
}
