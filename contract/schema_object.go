package contract

// object checks the members of an object.
func (w *walker) object(n *node, object map[string]any) {
	if len(object) < n.minFields {
		w.fault(n, "minProperties", textMinFields(n.minFields))
	}
	if n.maxFields >= 0 && len(object) > n.maxFields {
		w.fault(n, "maxProperties", textMaxFields(n.maxFields))
		return
	}
	for _, name := range n.required {
		if _, there := object[name]; !there {
			w.missing(n, name, "required", "is required")
		}
	}
	w.dependent(n, object)
	if n.properties != nil || n.patterns != nil || n.additional != nil || n.closed || n.propertyNames != nil {
		w.members(n, object)
	}
}

func (w *walker) dependent(n *node, object map[string]any) {
	for _, d := range n.dependent {
		if _, there := object[d.name]; !there {
			continue
		}
		for _, name := range d.needs {
			if _, there := object[name]; !there {
				w.missing(n, name, "dependentRequired", textDependent(d.name))
			}
		}
		if d.schema != nil {
			w.walk(d.schema, object)
		}
	}
}

// members checks each member. With a sink they are taken in order, so that the
// faults told do not depend on the order of a map.
func (w *walker) members(n *node, object map[string]any) {
	if w.sink == nil {
		for name, v := range object {
			w.member(n, name, v)
		}
	} else {
		for _, name := range sortedKeys(object) {
			w.member(n, name, object[name])
		}
	}
}

func (w *walker) member(n *node, name string, v any) {
	if n.propertyNames != nil && !w.would(n.propertyNames, name) {
		w.badName(n, name)
	}
	p, known := n.properties[name]
	if known {
		w.enter(p, v, step{name: name})
	}
	for _, p := range n.patterns {
		if p.re.MatchString(name) {
			known = true
			w.enter(p.node, v, step{name: name})
		}
	}
	switch {
	case known:
	case n.closed:
		w.unknown(n, name)
	case n.additional != nil:
		w.enter(n.additional, v, step{name: name})
	}
}
