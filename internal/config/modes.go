package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/nearest"
)

// modesBelow begins the paths of the modes: modes.<api>.<layer>.
const modesBelow = "modes."

// layerMode reads one of the modes given.
func layerMode(modes ...call.Mode) kind[call.Mode] {
	var names []string
	for _, m := range modes {
		names = append(names, m.String())
	}
	form := strings.Join(names, ", ")
	return kind[call.Mode]{form: "one of " + form, parse: func(s string) (call.Mode, error) {
		i := slices.Index(names, s)
		if i < 0 {
			return call.Enforce, errors.New("is none of " + form)
		}
		return modes[i], nil
	}, show: call.Mode.String}
}

// modeOf is the setting of one layer for one API, false when the path is none.
func modeOf(path string) (setting, bool) {
	rest, below := strings.CutPrefix(path, modesBelow)
	dot := strings.LastIndexByte(rest, '.')
	if !below || dot < 1 || !slices.Contains(call.Relaxable(), rest[dot+1:]) {
		return setting{}, false
	}
	api, layer := rest[:dot], rest[dot+1:]
	k := layerMode(call.Enforce, call.Report, call.Off)
	return setting{
		path: path, form: k.form,
		set: func(c *Config, values []string) error {
			if len(values) != 1 {
				return errors.New("takes one value, not a list")
			}
			m, err := k.parse(values[0])
			if err != nil {
				return err
			}
			if c.Modes[api] == nil {
				c.Modes[api] = map[string]call.Mode{}
			}
			c.Modes[api][layer] = m
			return nil
		},
		show: func(c *Config) string { return c.Modes[api][layer].String() },
	}, true
}

// modePaths are the paths of the modes that are stated, in order.
func (c *Config) modePaths() []string {
	var paths []string
	for api, layers := range c.Modes {
		for layer := range layers {
			paths = append(paths, modesBelow+api+"."+layer)
		}
	}
	slices.Sort(paths)
	return paths
}

// LayerModes are the modes in force: those of modes, and that of mode for every
// layer and API of which modes says nothing.
func (c *Config) LayerModes() call.Modes {
	all := call.Modes{call.AnyAPI: {}}
	for _, layer := range call.Relaxable() {
		all[call.AnyAPI][layer] = c.Mode
	}
	for api, layers := range c.Modes {
		if all[api] == nil {
			all[api] = map[string]call.Mode{}
		}
		for layer, mode := range layers {
			all[api][layer] = mode
		}
	}
	return all
}

// RiskOf is the risk of a layer that does not enforce.
func RiskOf(layer string) Risk { return Risk("relaxed-" + layer) }

// relaxedRisks are the rows of Risks for layers that report or are off.
func relaxedRisks() [][2]string {
	what := map[string]string{
		"tls":      "requests that arrive in the clear or for another host are let through",
		"headers":  "answers may leave without the headers that protect browsers",
		"limit":    "nobody who calls too often is held back",
		"authn":    "who sends no valid credential is let through as a guest",
		"authz":    "callers may do what their role, scopes and ownership do not allow",
		"validate": "requests that do not fit the contract reach the application",
	}
	var rows [][2]string
	for _, layer := range call.Relaxable() {
		rows = append(rows, [2]string{string(RiskOf(layer)), "the layer " + layer + " reports or is off for an API: " + what[layer]})
	}
	return rows
}

// relaxed is one issue for every place that relaxes layers. accepted chooses
// those whose risk is accepted, or the others.
func (c *Config) relaxed(accepted bool) contract.Issues {
	var paths []string
	layers, risks := map[string][]string{}, map[string][]string{}
	for _, r := range c.LayerModes().Relaxed() {
		if c.Accepts(RiskOf(r.Layer)) != accepted {
			continue
		}
		path := modesBelow + r.API + "." + r.Layer
		if _, stated := c.stated[path]; !stated {
			path = "mode"
		}
		if !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
		layers[path] = append(layers[path], r.Layer+" is "+r.Mode.String()+" for "+r.API)
		risks[path] = append(risks[path], string(RiskOf(r.Layer)))
	}
	var all contract.Issues
	for _, path := range paths {
		all = append(all, c.issue(path, codeRelaxed, strings.Join(layers[path], ", "),
			"Leave it out, or accept it by name: accept_risk: ["+strings.Join(risks[path], ", ")+"]")...)
	}
	return all
}

func (c *Config) relaxedInProduction() contract.Issues {
	if c.Environment != Production {
		return nil
	}
	return c.relaxed(false)
}

func (c *Config) relaxedLayers() contract.Issues {
	all := c.relaxed(true)
	if c.Environment != Production {
		all = append(all, c.relaxed(false)...)
	}
	for i := range all {
		all[i].Fix = ""
	}
	return all
}

// CheckModes says which APIs of modes have a name that is not among the known
// ones. Which are known, only the contracts say, so Load cannot.
func (c *Config) CheckModes(known []string) contract.Issues {
	known = append([]string{call.AnyAPI}, known...)
	var all contract.Issues
	for _, path := range c.modePaths() {
		api := path[len(modesBelow):strings.LastIndexByte(path, '.')]
		if !slices.Contains(known, api) {
			all = append(all, explained(c.issue(path, codeNoAPI, fmt.Sprintf("%s: no API is called %q", path, api), nearest.DidYouMean(api, known))[0]))
		}
	}
	return all
}

// RisksTaken are the risks that were accepted, and the layers that do not
// enforce, for the banner and config check.
func (c *Config) RisksTaken() []string {
	taken := slices.Clone(c.AcceptRisk)
	for _, r := range c.LayerModes().Relaxed() {
		taken = append(taken, r.String())
	}
	return taken
}
