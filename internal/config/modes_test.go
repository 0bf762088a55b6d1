package config_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
)

// TestModesInForce reads modes from every kind of source; what is not stated
// enforces.
func TestModesInForce(t *testing.T) {
	for _, row := range []struct {
		name, yaml string
		env        []string
		want       string
	}{
		{"nothing stated", "", nil, ""},
		{"one layer of one API", "modes: { scheduler: { validate: report } }", nil, "scheduler: validate report"},
		{"off", "modes: { scheduler: { limit: off } }", nil, "scheduler: limit off"},
		{"enforce stated", "modes: { scheduler: { limit: enforce } }", nil, ""},
		{"by variable, the name with a dash", "", []string{"GATEHOUSE_MODES__OUR_ORDERS__AUTHZ=report"}, "our-orders: authz report"},
		{"an API with a dot", "modes: { our.orders: { authz: report } }", nil, "our.orders: authz report"},
		{"every API", `modes: { "*": { tls: off } }`, nil, "*: tls off"},
		{"every layer", "mode: report", nil, "*: authn report, *: authz report, *: headers report, *: limit report, *: tls report, *: validate report"},
		{"every layer but one", `{ mode: report, modes: { "*": { authn: enforce, authz: enforce, headers: enforce, limit: enforce } } }`, nil, "*: tls report, *: validate report"},
		{"the stronger source", "modes: { scheduler: { validate: report } }", []string{"GATEHOUSE_MODES__SCHEDULER__VALIDATE=enforce"}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, r := load(t, row.yaml, append(row.env, "GATEHOUSE_ENV=test")...)
			var got []string
			for _, x := range c.LayerModes().Relaxed() {
				got = append(got, x.String())
			}
			if r.Err() != nil || strings.Join(got, ", ") != row.want {
				t.Errorf("%v, want %s: %s", got, row.want, r)
			}
			if taken := strings.Join(c.RisksTaken(), ", "); taken != row.want {
				t.Errorf("told as risks: %s", taken)
			}
		})
	}
}

// TestRelaxedIsARisk wants every mode but enforce accepted by the name of its
// layer in production, and told everywhere.
func TestRelaxedIsARisk(t *testing.T) {
	const yaml = "modes: { scheduler: { validate: report, limit: off } }\n"
	for _, row := range []struct {
		name, yaml string
		want       []string
		fails      bool
	}{
		{"nothing accepted", yaml, []string{"GH-CFG-049", "GH-CFG-049"}, true},
		{"one accepted", yaml + "accept_risk: [relaxed-validate]", []string{"GH-CFG-049", "GH-CFG-047", "GH-CFG-049"}, true},
		{"another accepted", yaml + "accept_risk: [relaxed-authz, relaxed-limit]", []string{"GH-CFG-049", "GH-CFG-047", "GH-CFG-047", "GH-CFG-049"}, true},
		{"both accepted", yaml + "accept_risk: [relaxed-validate, relaxed-limit]", []string{"GH-CFG-047", "GH-CFG-047", "GH-CFG-049", "GH-CFG-049"}, false},
		{"everything in report", "mode: report", []string{"GH-CFG-049"}, true},
		{"not production", yaml + "environment: development", []string{"GH-CFG-049", "GH-CFG-049"}, false},
		{"enforce", "{ mode: enforce, modes: { scheduler: { validate: enforce } } }", nil, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, r := load(t, row.yaml)
			wants(t, r, row.want...)
			if (r.Err() != nil) != row.fails {
				t.Errorf("refused: %v", r.Err())
			}
			if row.fails && !strings.Contains(r.String(), "accept_risk: [relaxed-") {
				t.Errorf("does not say what to accept: %s", r)
			}
		})
	}
	for _, layer := range call.Relaxable() {
		_, r := load(t, "{ modes: { scheduler: { "+layer+": off } }, accept_risk: [relaxed-"+layer+"] }")
		if r.Err() != nil {
			t.Errorf("%s cannot be accepted: %s", layer, r)
		}
	}
}

func TestMisspeltModes(t *testing.T) {
	for _, row := range []struct{ yaml, env, says string }{
		{"modes: { scheduler: { valdate: report } }", "", `Did you mean "validate"?`},
		{"modes: { scheduler: { validate: repot } }", "", "one of enforce, report, off"},
		{"modes: { scheduler: { observe: off } }", "", "observe"},
		{"modes: { scheduler: report }", "", "tls, headers, limit, authn, authz, validate"},
		{"mode: off", "", "one of enforce, report"},
		{"", "GATEHOUSE_MODES__SCHEDULER__VALDATE=report", "unknown name"},
	} {
		_, r := load(t, row.yaml, "GATEHOUSE_ENV=test", row.env)
		if r.Err() == nil || !strings.Contains(r.String(), row.says) {
			t.Errorf("%s%s: %s, want %s", row.yaml, row.env, r, row.says)
		}
	}
	c, _ := load(t, "modes: { schedular: { validate: report }, scheduler: { limit: off } }", "GATEHOUSE_ENV=test")
	found := c.CheckModes([]string{"members", "scheduler"})
	if len(found) != 1 || !strings.Contains(found[0].Error(), `Did you mean "scheduler"?`) || found[0].Code != "GH-CFG-050" {
		t.Errorf("an API that is not there: %v", found)
	}
	if v := valueOf(t, c, "modes.scheduler.limit"); v.Value != "off" || !strings.Contains(v.Origin, "gatehouse.yaml:1") {
		t.Errorf("shown as %+v", v)
	}
}
