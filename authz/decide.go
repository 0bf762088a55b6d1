package authz

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
)

// ownRow is the source of ownership that the handler's query decides.
const ownRow = "row"

// Lookup returns the value of a source of ownership: "path.userId",
// "query.user", "body.owner". It is false when the request does not state it,
// or states it more than once.
type Lookup func(source string) (value string, ok bool)

// Decision is the answer to "may they?". The zero Decision denies.
type Decision struct {
	Allowed bool
	Status  int    // 0 when allowed, else 401, 403 or 404
	Rule    string // what decided: "public", "roles [admin manager]", "scopes [x]", "own path.userId", "no rule"
	Why     string // in words, for people who configure; it holds no value of the request
}

// Decide tells whether p (nil is a guest) may call op. own is asked only for an
// operation that states ownership; nil owns nothing. It allocates nothing when
// it allows, beside what own does.
func Decide(op *contract.Operation, p *call.Principal, own Lookup) Decision {
	if op == nil {
		return deny(http.StatusForbidden, "no rule", "no contract describes this request")
	}
	a := &op.Access
	if a.Public {
		return Decision{Allowed: true, Rule: "public"}
	}
	if p == nil || p.ID == "" {
		return deny(http.StatusUnauthorized, RuleText(*a), "a guest may call only what is public")
	}
	if len(a.Roles) == 0 && len(a.Scopes) == 0 && a.Own == "" {
		return deny(http.StatusForbidden, "no rule", "the operation states no access rule")
	}
	if !inScope(p, a.Scopes) {
		return deny(http.StatusForbidden, "scopes "+list(a.Scopes), "the credential is limited to other scopes")
	}
	if len(a.Roles) > 0 && !has(p, a.Roles) {
		return deny(http.StatusForbidden, "roles "+list(a.Roles), "the role is another")
	}
	if a.Own != "" && !has(p, a.OrRole) && !owns(p, a.Own, own) {
		return deny(http.StatusNotFound, "own "+a.Own, "the object is another's")
	}
	return Decision{Allowed: true, Rule: kind(a)}
}

func deny(status int, rule, why string) Decision {
	return Decision{Status: status, Rule: rule, Why: why}
}

// has does not ask Principal.Is, for which somebody without a role is a guest:
// here such a principal has none of the roles, whatever the rule names.
func has(p *call.Principal, roles []string) bool {
	return p.Role != "" && slices.Contains(roles, p.Role)
}

// inScope holds the credential to its limits. Scopes that are nil are no limit.
func inScope(p *call.Principal, needed []string) bool {
	if p.Scopes == nil {
		return true
	}
	for _, s := range needed {
		if !slices.Contains(p.Scopes, s) {
			return false
		}
	}
	return len(needed) > 0
}

func owns(p *call.Principal, source string, own Lookup) bool {
	if source == ownRow {
		return true
	}
	if own == nil {
		return false
	}
	owner, ok := own(source)
	return ok && owner == p.ID
}

// kind names the rule that allowed, without building a string.
func kind(a *contract.Access) string {
	switch {
	case a.Own != "":
		return "own"
	case len(a.Roles) > 0:
		return "roles"
	default:
		return "scopes"
	}
}

// RuleText writes an access rule on one line: "roles [admin manager]",
// "own path.userId or roles [admin]".
func RuleText(a contract.Access) string {
	if a.Public {
		return "public"
	}
	var parts []string
	if len(a.Roles) > 0 {
		parts = append(parts, "roles "+list(a.Roles))
	}
	if len(a.Scopes) > 0 {
		parts = append(parts, "scopes "+list(a.Scopes))
	}
	if a.Own != "" {
		own := "own " + a.Own
		if len(a.OrRole) > 0 {
			own += " or roles " + list(a.OrRole)
		}
		parts = append(parts, own)
	}
	if len(parts) == 0 {
		return "no rule"
	}
	return strings.Join(parts, " and ")
}

func list(names []string) string { return "[" + strings.Join(names, " ") + "]" }
