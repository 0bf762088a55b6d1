package contract

import "slices"

// standing is what the schemas of an object say together of one member: whether it
// travels one way only. The higher decides where several schemas apply at once.
type standing uint8

const (
	unnamed standing = iota // none of them names it
	perhaps                 // some branch names it, and every one that does says so
	free                    // some schema names it and does not say so
	surely                  // one that applies anyhow says so
)

// inquiry asks what schemas say of a member. says is what one schema says of the
// value that it stands for.
type inquiry struct {
	name string
	says func(*node) bool
	met  map[*node]standing // by schema of the object; unnamed while it is asked
}

func newInquiry(name string, says func(*node) bool) inquiry {
	return inquiry{name, says, map[*node]standing{}}
}

func saysReadOnly(n *node) bool  { return n.readOnly }
func saysWriteOnly(n *node) bool { return n.writeOnly }

// of asks all that applies to an object: a union without a parent that says more
// is what its branches have in common.
func (q *inquiry) of(roots []applied) (all standing) {
	for _, r := range roots {
		s := q.object(r.node)
		if s == surely && !r.sure {
			s = perhaps
		}
		all = max(all, s)
	}
	return all
}

func (q *inquiry) object(n *node) standing {
	if n == nil {
		return unnamed
	}
	if s, met := q.met[n]; met {
		return s
	}
	q.met[n] = unnamed
	s := q.own(n)
	for _, m := range n.joint() {
		s = max(s, q.object(m))
	}
	for _, branches := range n.alternatives() {
		s = max(s, q.either(branches))
	}
	q.met[n] = s
	return s
}

// own is what the schema itself says of the member.
func (q *inquiry) own(n *node) (s standing) {
	tell := func(member *node) {
		if s = max(s, free); member.throughout(q.says, map[*node]bool{}) {
			s = surely
		}
	}
	if p := n.properties[q.name]; p != nil {
		tell(p)
	}
	for _, p := range n.patterns {
		if p.re.MatchString(q.name) {
			tell(p.node)
		}
	}
	if s == unnamed && n.additional.throughout(q.says, map[*node]bool{}) {
		return surely
	}
	return s
}

// oneWayOf tells of members without a name of their own whether they travel one
// way only: one schema that applies anyhow says so, or all that name them do.
func oneWayOf(here, name []applied, says func(*node) bool) bool {
	said := func(a applied) bool { return a.node.throughout(says, map[*node]bool{}) }
	free := func(a applied) bool { return !said(a) }
	return slices.ContainsFunc(here, func(a applied) bool { return a.sure && said(a) }) ||
		len(name) > 0 && !slices.ContainsFunc(name, free)
}

// either is what branches say of which one applies. One that does not name the
// member has nothing to say against the others.
func (q *inquiry) either(branches []*node) standing {
	var all []standing
	for _, m := range branches {
		all = append(all, q.object(m))
	}
	switch {
	case slices.Contains(all, free):
		return free
	case slices.Min(all) == surely:
		return surely
	}
	return min(slices.Max(all), perhaps)
}

// throughout tells whether a schema says something of its value, itself or in
// whatever applies beside it, or in each branch that may.
func (n *node) throughout(says func(*node) bool, met map[*node]bool) bool {
	if n == nil || met[n] {
		return false
	}
	met[n] = true
	inner := func(m *node) bool { return m.throughout(says, met) }
	if says(n) || slices.ContainsFunc(n.joint(), inner) {
		return true
	}
	return slices.ContainsFunc(n.alternatives(), func(branches []*node) bool {
		return !slices.ContainsFunc(branches, func(m *node) bool { return !inner(m) })
	})
}

// joint lists the nodes that apply to the same value whatever it is.
func (n *node) joint() []*node {
	return slices.DeleteFunc(append([]*node{n.ref, n.dynamic}, n.allOf...), func(m *node) bool { return m == nil })
}

// alternatives lists what may apply to the same value, of each group one. null is
// no alternative for what has members. A nil stands for nothing at all.
func (n *node) alternatives() [][]*node {
	var groups [][]*node
	for _, branches := range [][]*node{n.anyOf, n.oneOf} {
		left := slices.DeleteFunc(slices.Clone(branches), func(m *node) bool { return m.types == kindNull })
		if len(left) > 0 {
			groups = append(groups, left)
		}
	}
	if n.then != nil || n.otherwise != nil {
		groups = append(groups, []*node{n.then, n.otherwise})
	}
	for _, d := range n.dependent {
		if d.schema != nil {
			groups = append(groups, []*node{d.schema, nil})
		}
	}
	return groups
}

// relieve takes from what n requires the members that do not travel this way: a
// client cannot be asked for what only the server or another role writes, nor an
// answer for what is never shown or to other roles only.
func (n *node) relieve(spared map[string]bool) {
	n.lib.Required = slices.DeleteFunc(slices.Clone(n.asked), func(name string) bool { return spared[name] })
	n.required = n.lib.Required
}

// oneWay tells of a member whether it does not travel that way, by all the schemas
// that apply to it.
func (f *knownField) oneWay(way direction) bool {
	return f != nil && (way == request && (f.readOnly || f.writeRoles != nil) || way == answer && (f.writeOnly || f.readRoles != nil))
}

// relieved notes which members the schemas of a shape need not ask for: those of
// which they say so themselves, and those of which the schemas beside them do. One
// schema may stand in several: there it asks for what it would have to in any.
func (c *compiler) relieved(s *shape, all []applied) {
	says := saysReadOnly
	if c.way == answer {
		says = saysWriteOnly
	}
	for _, a := range all {
		for _, name := range a.node.asked {
			q := newInquiry(name, says)
			m, _ := s.member(name)
			spared := m.oneWay(c.way)
			if spared && a.branch != nil { // else a branch that asks for nothing else would fit everything
				spared = q.object(a.branch) != unnamed
			}
			spared = spared || q.own(a.node) == surely
			table := c.spared[a.node]
			if table == nil {
				table = map[string]bool{}
				c.spared[a.node] = table
			}
			if before, met := table[name]; !met || before {
				table[name] = spared
			}
		}
	}
}
