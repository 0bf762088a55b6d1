package config

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/headers"
	"github.com/gatehouse-api/gatehouse/tlsedge"
)

// Refused is what is said of a setting that looked right here and that what is
// built from it does not take.
func (c *Config) Refused(path string, err error) contract.Issues {
	return contract.Issues{explained(c.issue(path, codeRefused, path+": "+err.Error(), "")[0])}
}

// badOrigins asks the layer that compares origins, so that none is taken here
// which it would refuse at the start.
func (c *Config) badOrigins() contract.Issues {
	var all contract.Issues
	for _, o := range c.CORS.Origins {
		one := headers.CORS{Origins: []string{o}}
		_, err := headers.New(headers.Config{CORS: one})
		one.InsecurePlainOrigins = true
		_, otherwise := headers.New(headers.Config{CORS: one})
		switch host, plain := strings.CutPrefix(o, "http://"); {
		case otherwise != nil:
			all = append(all, c.issue("cors.origins", codeRefused, "cors.origins: "+otherwise.Error(), "")...)
		case err != nil && plain:
			all = append(all, c.issue("cors.origins", codeOrigin, "cors.origins has "+o+", which is not encrypted", "Write https://"+host+".")...)
		}
	}
	return all
}

// badFields asks the same layer about the other settings of CORS.
func (c *Config) badFields() contract.Issues {
	var all contract.Issues
	for _, s := range []struct {
		path  string
		alone headers.CORS
	}{
		{"cors.allow_headers", headers.CORS{AllowHeaders: c.CORS.AllowHeaders}},
		{"cors.expose_headers", headers.CORS{ExposeHeaders: c.CORS.ExposeHeaders}},
		{"cors.max_age", headers.CORS{MaxAge: c.CORS.MaxAge}},
	} {
		if _, err := headers.New(headers.Config{CORS: s.alone}); err != nil {
			all = append(all, c.issue(s.path, codeRefused, s.path+": "+err.Error(), "")...)
		}
	}
	return all
}

func (c *Config) privateNetwork() contract.Issues {
	if c.Environment != Production || !c.CORS.PrivateNetwork || c.Accepts(RiskPrivate) {
		return nil
	}
	return c.issue("cors.private_network", codePrivate, "cors.private_network in production", "Leave it out, or accept it by name: accept_risk: [private-network]")
}

// privateElsewhere tells of what production would refuse.
func (c *Config) privateElsewhere() contract.Issues {
	if c.Environment == Production || !c.CORS.PrivateNetwork || c.Accepts(RiskPrivate) {
		return nil
	}
	return c.issue("cors.private_network", codePrivate, "cors.private_network is on", "")
}

// badHosts asks the layer that compares host names, as badOrigins does.
func (c *Config) badHosts() contract.Issues {
	var all contract.Issues
	ask := func(path, host string) {
		if _, err := tlsedge.New(tlsedge.Config{Hosts: []string{host}}); err != nil {
			all = append(all, c.issue(path, codeRefused, path+": "+err.Error(), "")...)
		}
	}
	for _, h := range c.Hosts {
		ask("hosts", h)
	}
	if c.PublicURL != nil {
		ask("public_url", bracketed(c.PublicURL.Hostname()))
	}
	return all
}

// missingTexts finds settings that were stated as nothing and cannot be that.
func (c *Config) missingTexts() contract.Issues {
	var all contract.Issues
	for _, s := range [][2]string{{"data", c.Data}, {"identity.audience", c.Identity.Audience}} {
		if s[1] == "" {
			all = append(all, c.issue(s[0], codeValue, s[0]+" is empty", "Leave it out for the default.")...)
		}
	}
	return all
}

// sharedAddresses finds two listeners of which the second could not start.
func (c *Config) sharedAddresses() contract.Issues {
	var all contract.Issues
	listeners := [][2]string{{"listen", c.Listen}, {"tls.redirect", c.TLS.Redirect}, {"metrics.listen", c.Metrics.Listen}}
	for i, second := range listeners {
		for _, first := range listeners[:i] {
			if sameListener(first[1], second[1]) {
				all = append(all, c.issue(second[0], codeRefused,
					fmt.Sprintf("%s %s is taken by %s %s", second[0], second[1], first[0], first[1]), "Give each a port of its own.")...)
			}
		}
	}
	return all
}

func sameListener(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil || portA != portB || portA == "0" {
		return false
	}
	return hostA == hostB || covers(hostA, hostB) || covers(hostB, hostA)
}

// covers tells whether a listener on every interface takes the port of one on b.
func covers(host, b string) bool {
	if host == "" || host == "::" {
		return true
	}
	if host == "localhost" { // which Go listens on as 127.0.0.1
		return b == "127.0.0.1"
	}
	a, err := netip.ParseAddr(b)
	return host == "0.0.0.0" && (b == "localhost" || err == nil && a.Is4())
}
