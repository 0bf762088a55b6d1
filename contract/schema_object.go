package contract

// object checks the members of an object.
func (w *walker) object(n *node, object map[string]any) bool {
	ok := true
	if len(object) < n.minFields {
		ok = w.fault(n, "minProperties", textMinFields(n.minFields))
	}
	if n.maxFields >= 0 && len(object) > n.maxFields {
		return w.fault(n, "maxProperties", textMaxFields(n.maxFields))
	}
	for _, name := range n.required {
		if _, there := object[name]; !there && !w.excused(n, name) {
			ok = w.missing(n, name, "required", "is required")
		}
	}
	if !ok && w.hasty() {
		return false
	}
	ok = w.dependent(n, object) && ok
	return w.members(n, object) && ok
}

// excused tells whether a member need not travel this way: a client cannot be
// asked for what only the server or another role writes, nor an answer for what
// is never shown or to other roles only.
func (w *walker) excused(n *node, name string) bool {
	p := n.properties[name]
	if p == nil || w.schema.way == anyWay {
		return false
	}
	return p.oneWay(w.schema.way)
}

// oneWay tells whether a member of this schema does not travel that way.
func (n *node) oneWay(way direction) bool {
	for n != nil {
		if way == request && (n.readOnly || n.writeRoles != nil) || way == answer && (n.writeOnly || n.readRoles != nil) {
			return true
		}
		n = n.ref
	}
	return false
}

func (w *walker) dependent(n *node, object map[string]any) bool {
	ok := true
	for _, d := range n.dependent {
		if _, there := object[d.name]; !there {
			continue
		}
		for _, name := range d.needs {
			if _, there := object[name]; !there {
				ok = w.missing(n, name, "dependentRequired", textDependent(d.name))
			}
		}
	}
	for name, m := range n.dependentSchemas {
		if _, there := object[name]; there && !w.walk(m, object) {
			ok = false
		}
		if !ok && w.hasty() {
			return false
		}
	}
	return ok
}

// members checks each member. With a sink they are taken in order, so that the
// faults told do not depend on the order of a map.
func (w *walker) members(n *node, object map[string]any) bool {
	if n.properties == nil && n.patterns == nil && n.additional == nil && !n.closed && n.propertyNames == nil {
		return true
	}
	if w.sink == nil {
		for name, v := range object {
			if !w.member(n, name, v) {
				return false
			}
		}
		return true
	}
	ok := true
	for _, name := range sortedKeys(object) {
		if !w.member(n, name, object[name]) {
			ok = false
			if w.hasty() {
				return false
			}
		}
	}
	return ok
}

func (w *walker) member(n *node, name string, v any) bool {
	ok := true
	if n.propertyNames != nil && !w.would(n.propertyNames, name) {
		ok = w.badName(n, name)
		if w.hasty() {
			return false
		}
	}
	p, known := n.properties[name]
	if known {
		ok = w.enter(p, v, step{name: name, index: -1}) && ok
	}
	for _, p := range n.patterns {
		if p.re.MatchString(name) {
			known = true
			ok = w.enter(p.node, v, step{name: name, index: -1}) && ok
		}
	}
	switch {
	case known:
		return ok
	case n.closed:
		return w.unknown(n, name)
	case n.additional != nil:
		return w.enter(n.additional, v, step{name: name, index: -1}) && ok
	}
	return ok
}
