package config

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/nearest"
	"github.com/gatehouse-api/gatehouse/internal/store"
)

// Risk is something unsafe that may be accepted, by name and never by default.
type Risk string

// The risks.
const (
	RiskOpenScheduler Risk = "open-scheduler"
	RiskPlainHTTP     Risk = "plain-http"
	RiskPlainDatabase Risk = "plain-database"
	RiskOpenMetrics   Risk = "open-metrics"
	RiskPrivate       Risk = "private-network"
)

// Risks lists every risk with what accepting it means.
func Risks() [][2]string {
	return append([][2]string{
		{string(RiskOpenScheduler), "guests read, make and cancel bookings without signing in"},
		{string(RiskPlainHTTP), "clients beyond this machine send passwords and tokens unencrypted"},
		{string(RiskPlainDatabase), "rows travel to PostgreSQL over a connection that is not verified"},
		{string(RiskOpenMetrics), "other machines read what is called, how often and by how many, in the clear"},
		{string(RiskPrivate), "pages of cors.origins on the public internet reach this server on its private network"},
	}, relaxedRisks()...)
}

func riskNames() []string {
	var names []string
	for _, r := range Risks() {
		names = append(names, r[0])
	}
	return names
}

// refusals are the checks that keep a process from starting.
func refusals() []func(*Config) contract.Issues {
	return []func(*Config) contract.Issues{
		(*Config).unknownRisks, (*Config).plainHTTP, (*Config).withoutPublicURL, (*Config).openScheduler, (*Config).testSettings,
		(*Config).weakSecrets, (*Config).missingSecrets, (*Config).databaseShape, (*Config).databaseRoles, (*Config).databaseTLS,
		(*Config).certificates, (*Config).demoElsewhere, (*Config).everybodyTrusted, (*Config).lifetimes,
		(*Config).proxyProtocol, (*Config).openMetrics, (*Config).passwordList,
		(*Config).relaxedInProduction, (*Config).badOrigins, (*Config).badFields, (*Config).privateNetwork, (*Config).badHosts, (*Config).missingTexts, (*Config).sharedAddresses,
	}
}

// cautions are the checks that only say something.
func cautions() []func(*Config) contract.Issues {
	return []func(*Config) contract.Issues{
		(*Config).acceptedRisks, (*Config).plainElsewhere, (*Config).privateElsewhere, (*Config).unusedSecret, (*Config).weakLocalPasswords,
		(*Config).relaxedLayers,
	}
}

// issue is one thing said of a setting, at the place where it was stated.
func (c *Config) issue(path, code, what, fix string) contract.Issues {
	o := c.stated[path]
	if o.File == "" {
		o.File = "settings"
	}
	return contract.Issues{{Position: o.Position, Code: code, What: what, Fix: fix, Excerpt: o.excerpt}}
}

func (c *Config) unknownRisks() contract.Issues {
	var all contract.Issues
	for _, name := range c.AcceptRisk {
		if !slices.Contains(riskNames(), name) {
			all = append(all, c.issue("accept_risk", codeUnknownRisk, fmt.Sprintf("unknown risk %q", name), nearest.DidYouMean(name, riskNames()))...)
		}
	}
	return all
}

func (c *Config) acceptedRisks() contract.Issues {
	var all contract.Issues
	for _, r := range Risks() {
		if c.Accepts(Risk(r[0])) {
			all = append(all, c.issue("accept_risk", codeAccepted, "accepted risk "+r[0]+": "+r[1], "")...)
		}
	}
	return all
}

// encrypted tells whether clients' connections end at a certificate of ours or
// at a declared proxy; one that speaks the PROXY protocol passes them on.
func (c *Config) encrypted() bool {
	return c.TLS.CertFile != "" || len(c.TrustedProxies) > 0 && !c.ProxyProtocol
}

func (c *Config) plainHTTP() contract.Issues {
	if c.Environment != Production || c.Accepts(RiskPlainHTTP) {
		return nil
	}
	if !c.Loopback() && !c.encrypted() && !c.ProxyProtocol { // of which proxyProtocol speaks
		return c.issue("listen", codePlainHTTP, "listen "+c.Listen+" would be served as plain HTTP to other machines",
			"Do one of:\nset tls.cert_file and tls.key_file\ndeclare the proxy that encrypts: trusted_proxies: [10.0.0.1]\nlisten on localhost\naccept it by name: accept_risk: [plain-http]")
	}
	if c.PublicURL != nil && c.PublicURL.Scheme == "http" && !isLoopback(c.PublicURL.Hostname()) {
		return c.issue("public_url", codePlainHTTP, "public_url is plain HTTP", "Write https://"+c.PublicURL.Host+", or accept it by name: accept_risk: [plain-http]")
	}
	return nil
}

func (c *Config) plainElsewhere() contract.Issues {
	if c.Environment == Production || c.Loopback() || c.encrypted() {
		return nil
	}
	return c.issue("listen", codePlainHTTP, "listen "+c.Listen+" is served as plain HTTP to other machines", "")
}

func (c *Config) withoutPublicURL() contract.Issues {
	if c.Environment != Production || c.PublicURL != nil || c.Loopback() && len(c.TrustedProxies) == 0 {
		return nil
	}
	return c.issue("public_url", codePublicURL, "public_url is not set", "Set how clients reach the gate: public_url: https://gate.example.org")
}

func (c *Config) openScheduler() contract.Issues {
	if c.Environment != Production || !c.Scheduler.Open || c.Accepts(RiskOpenScheduler) {
		return nil
	}
	return c.issue("scheduler.open", codeOpenScheduler, "scheduler.open in production", "Leave it out, or accept it by name: accept_risk: [open-scheduler]")
}

func (c *Config) testSettings() contract.Issues {
	if c.Environment != Production {
		return nil
	}
	var all contract.Issues
	for _, t := range []struct {
		path string
		on   bool
	}{
		{"scheduler.pace", c.Scheduler.Pace > 0},
		{"scheduler.error_mode", c.Scheduler.ErrorMode},
		{"scheduler.seed", c.Scheduler.Seed == SeedTest || c.Scheduler.Seed == SeedDevelopment},
	} {
		if t.on {
			all = append(all, c.issue(t.path, codeTestOnly, t.path+" in production", "Leave it out, or run with environment development or test.")...)
		}
	}
	return all
}

func (c *Config) missingSecrets() contract.Issues {
	var all contract.Issues
	if c.Identity.Token.Algorithm == HS256 && !c.Identity.Token.Secret.IsSet() {
		all = append(all, c.issue("identity.token.algorithm", codeNoSecret, "HS256 needs identity.token.secret", newSecret("identity.token.secret"))...)
	}
	if c.Environment == Production && c.Database.Engine == store.Postgres && !c.Identity.SealingKey.IsSet() {
		all = append(all, c.issue("identity.sealing_key", codeNoSecret,
			"identity.sealing_key is not set, and with PostgreSQL every node must have the same", newSecret("identity.sealing_key"))...)
	}
	return all
}

// newSecret tells how to make a secret.
func newSecret(path string) string {
	return "Make one and name its file:\nopenssl rand -base64 32 > key && chmod 600 key\n" + envName(path) + "_FILE=key"
}

func (c *Config) unusedSecret() contract.Issues {
	if c.Identity.Token.Algorithm == HS256 || !c.Identity.Token.Secret.IsSet() {
		return nil
	}
	return c.issue("identity.token.secret", codeUnusedSecret,
		"identity.token.secret is not used: identity.token.algorithm is "+string(c.Identity.Token.Algorithm), "Leave it out, or set identity.token.algorithm: HS256.")
}

func (c *Config) certificates() contract.Issues {
	var all contract.Issues
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		path, other := "tls.cert_file", "tls.key_file"
		if c.TLS.CertFile == "" {
			path, other = other, path
		}
		return c.issue(path, codeCertificate, path+" is set and "+other+" is not", "Set both.")
	}
	for _, f := range [][2]string{{"tls.cert_file", c.TLS.CertFile}, {"tls.key_file", c.TLS.KeyFile}} {
		if f[1] == "" {
			continue
		}
		if _, err := os.Stat(f[1]); err != nil {
			all = append(all, c.issue(f[0], codeCertificate, f[0]+": "+reading(err), "")...)
		}
	}
	if c.TLS.Redirect != "" && !c.encrypted() {
		all = append(all, c.issue("tls.redirect", codeCertificate, "tls.redirect leads to https, which is not served", "Set tls.cert_file and tls.key_file.")...)
	}
	return all
}

func (c *Config) passwordList() contract.Issues {
	const path = "identity.refused_passwords"
	if c.Identity.RefusedPasswords == "" {
		return nil
	}
	if _, err := os.Stat(c.Identity.RefusedPasswords); err != nil {
		return c.issue(path, codeUnreadable, path+": "+reading(err), "")
	}
	return nil
}

func (c *Config) demoElsewhere() contract.Issues {
	if c.Environment != Demo || c.Loopback() {
		return nil
	}
	return c.issue("listen", codeDemo, "the demo would listen on "+c.Listen, "Listen on localhost, as localhost:8001.")
}

func (c *Config) everybodyTrusted() contract.Issues {
	for _, p := range c.TrustedProxies {
		if p.Bits() == 0 {
			return c.issue("trusted_proxies", codeEverybody, "trusted_proxies has "+p.String()+", which is everybody", "Write the addresses of the proxies.")
		}
	}
	return nil
}

// proxyProtocol: its header states an address and no encryption, and the proxy is
// no peer any more that could. Without a certificate all would be plain.
func (c *Config) proxyProtocol() contract.Issues {
	switch {
	case !c.ProxyProtocol:
		return nil
	case len(c.TrustedProxies) == 0:
		return c.issue("proxy_protocol", codeEverybody, "proxy_protocol without trusted_proxies", "Write the addresses of the proxies that speak it: trusted_proxies: [10.0.0.1]")
	case c.Environment == Production && c.TLS.CertFile == "" && !c.Accepts(RiskPlainHTTP):
		return c.issue("proxy_protocol", codePlainHTTP, "proxy_protocol without a certificate: every request counts as plain HTTP and is refused",
			"Do one of:\nset tls.cert_file and tls.key_file, for the proxy passes TCP on\nleave proxy_protocol out, and let the proxy set X-Forwarded-For and X-Forwarded-Proto\naccept it by name: accept_risk: [plain-http]")
	}
	return nil
}

func (c *Config) openMetrics() contract.Issues {
	if c.Metrics.Listen == "" || isLoopback(hostOf(c.Metrics.Listen)) || c.Accepts(RiskOpenMetrics) {
		return nil
	}
	return c.issue("metrics.listen", codeMetrics, "metrics.listen "+c.Metrics.Listen+" answers other machines",
		"Listen on localhost, as localhost:9464, or accept it by name: accept_risk: [open-metrics]")
}

// The bounds that identity sets to what lasts.
const (
	longestAccess = 24 * time.Hour
	longestFamily = 30 * 24 * time.Hour
	shortestIdle  = time.Minute
)

func (c *Config) lifetimes() contract.Issues {
	var all contract.Issues
	say := func(bad bool, path, what, fix string) {
		if bad {
			all = append(all, c.issue(path, codeLifetimes, what, fix)...)
		}
	}
	token, session := c.Identity.Token, c.Identity.Session
	outlives := token.AccessTTL > token.RefreshTTL
	say(outlives, "identity.token.access_ttl", "an access token would outlive the refresh token it came with", "Make identity.token.refresh_ttl the longer one.")
	say(!outlives && token.AccessTTL > longestAccess, "identity.token.access_ttl", "an access token would last longer than a day", "Make it 24h or less; refresh tokens are for the long run.")
	say(token.RefreshTTL > longestFamily, "identity.token.refresh_ttl", "a refresh token would outlast its session, which ends after 30 days", "Make it 30d or less.")
	say(session.Idle > session.Absolute, "identity.session.idle", "identity.session.idle is longer than identity.session.absolute", "Make identity.session.absolute the longer one.")
	say(session.Idle < shortestIdle, "identity.session.idle", "a session would end between two clicks", "Make it 1m or more.")
	return all
}

// CheckLimits says which budgets of limits have a name that is not among the
// known ones. Which are known, only the contracts say, so Load cannot.
func (c *Config) CheckLimits(known []string) contract.Issues {
	var all contract.Issues
	for _, v := range c.Values() {
		if name, ok := strings.CutPrefix(v.Path, "limits."); ok && !slices.Contains(known, name) {
			all = append(all, explained(c.issue(v.Path, codeBudget, fmt.Sprintf("%s: no contract has a budget %q", v.Path, name), nearest.DidYouMean(name, known))[0]))
		}
	}
	return all
}
